/** `dobby history PATH`: prints the newest updates that the log of a path holds, the oldest of them first. */
import { CommandError, call, type Remote } from './client.js';

/** Prints at most `limit` updates, as many as fit one answer; by default what the API gives. */
export async function history(path: string, options: Remote & { limit?: string }): Promise<void> {
  const { limit } = options;
  if (limit !== undefined && !/^\d+$/.test(limit)) throw new CommandError('--limit is a number');
  const most = limit === undefined ? {} : { limit: Number(limit) };
  const answer = await call(options, 'history', { path, reverse: true, ...most });
  for (const update of (answer as { updates: readonly object[] }).updates.toReversed()) {
    process.stdout.write(`${JSON.stringify(update)}\n`);
  }
}
