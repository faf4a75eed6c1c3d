/** `dobby update PATH MESSAGE`: publishes from a shell, and prints the position. */
import { call, type Remote } from './client.js';

/** Publishes. A message that is not JSON is sent as text. */
export async function update(
  path: string,
  message: string,
  options: Remote & { except?: string; stateKey?: string },
): Promise<void> {
  const except = options.except?.split(',').map((id) => id.trim());
  const { stateKey: key } = options;
  const body = {
    path,
    message: parseMessage(message),
    ...(key === undefined ? {} : { key }),
    ...(except === undefined ? {} : { except }),
  };
  process.stdout.write(`${JSON.stringify(await call(options, 'update', body))}\n`);
}

function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
