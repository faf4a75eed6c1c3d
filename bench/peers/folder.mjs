/** Folders for the state of servers under test: gone when the server has stopped, or this process has. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Starts a server that has a folder of its own.
 * @param {(folder: string) => Promise<import('../load/children.mjs').Server>} start
 * @returns {Promise<import('../load/children.mjs').Server>} its `stop` removes the folder too
 */
export async function startInFolder(start) {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-bench-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', forget);
  const server = await start(folder);
  const stop = async () => {
    await server.stop();
    forget();
    process.off('exit', forget);
  };
  return { ...server, stop };
}
