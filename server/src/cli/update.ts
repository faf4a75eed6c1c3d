/** `dobby update PATH MESSAGE`: publishes from a shell, and prints the position. */
import { call, type Remote } from './client.js';

/** Publishes. A message that is not JSON is sent as text. */
export async function update(
  path: string,
  message: string,
  options: Remote & { except?: string },
): Promise<void> {
  const except = options.except?.split(',').map((id) => id.trim());
  const body = { path, message: parseMessage(message), ...(except === undefined ? {} : { except }) };
  process.stdout.write(`${JSON.stringify(await call(options, 'update', body))}\n`);
}

function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
