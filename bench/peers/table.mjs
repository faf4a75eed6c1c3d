/**
 * The systems that can be put under load: how each is started, where updates are posted, how its subscribers speak. A new peer
 * is a line here, a program beside this file, and a dialect in ../load/dialects.mjs where none fits.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../load/children.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOBBY = 'server/dist/server/src/cli/main.js';

/** The API key of every server under test; they listen on the loopback and live for seconds. */
export const KEY = 'bench-key-of-a-server-that-lives-for-seconds';

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} dialect of its subscribers
 * @property {string} updateUrl where updates are posted
 * @property {boolean} isCompared false when it only runs if named
 * @property {() => string | null} missing what has to be done before it can run
 * @property {() => Promise<import('../load/children.mjs').Server>} start a fresh server process
 */

/** A program of this folder. @returns {Peer} */
function program({ name, dialect, isCompared = true }) {
  const start = () =>
    startServer({
      command: process.execPath,
      args: [`bench/peers/${name}.mjs`],
      env: { BENCH_KEY: KEY },
      cwd: ROOT,
    });
  return { name, dialect, updateUrl: '/api/update', isCompared, missing: () => null, start };
}

/** Dobby, as its command line starts it, with a state folder of its own. */
async function startDobby() {
  const stateDir = mkdtempSync(join(tmpdir(), 'dobby-bench-'));
  const forget = () => rmSync(stateDir, { recursive: true, force: true });
  process.once('exit', forget);
  const args = [DOBBY, '--port', '0', '--host', '127.0.0.1', '--public', 'bench/{name*}'];
  const env = { DOBBY_API_KEY: KEY, DOBBY_STATE_DIR: stateDir };
  const server = await startServer({ command: process.execPath, args, env, cwd: ROOT });
  const stop = async () => {
    await server.stop();
    forget();
    process.off('exit', forget);
  };
  return { ...server, stop };
}

/** @type {Peer} */
const dobby = {
  name: 'dobby',
  dialect: 'dobby',
  updateUrl: '/api/update',
  isCompared: true,
  missing: () => (existsSync(join(ROOT, DOBBY)) ? null : `${DOBBY} is missing: npm run build makes it`),
  start: startDobby,
};

/** By name. @type {Record<string, Peer>} */
export const PEERS = {
  dobby,
  'ws-loop': program({ name: 'ws-loop', dialect: 'json' }),
  socketio: program({ name: 'socketio', dialect: 'socketio' }),
  ceiling: program({ name: 'ceiling', dialect: 'json', isCompared: false }),
};
