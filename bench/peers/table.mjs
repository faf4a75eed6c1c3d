/**
 * The systems that can be put under load: how each is started, where updates are posted, how its subscribers speak. A new peer
 * is a line here, a program beside this file, and a dialect in ../load/dialects.mjs where none fits.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, startServer } from '../load/children.mjs';
import { dobby, earlierBuilds } from './dobby.mjs';
import { KEY } from './key.mjs';
import { nchan } from './nchan.mjs';

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} dialect of its subscribers
 * @property {string} updateUrl where updates are posted
 * @property {boolean} isCompared false when it only runs if named
 * @property {() => string | null} missing what has to be done before it can run
 * @property {() => Promise<import('../load/children.mjs').Server>} start a fresh server
 */

/** What the package `bun` installs for this machine. Its own launcher wants an install script, which is not run. */
const BUN = join(
  ROOT,
  `node_modules/@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}/bin/bun`,
);

/** A program of this folder. @returns {Peer} */
function program({ name, dialect, isCompared = true, command = process.execPath }) {
  return {
    name,
    dialect,
    updateUrl: '/api/update',
    isCompared,
    missing: () => (existsSync(command) ? null : `${command} is missing: npm install brings it`),
    start: () => startServer({ command, args: [`bench/peers/${name}.mjs`], env: { BENCH_KEY: KEY } }),
  };
}

/** By name. @type {Record<string, Peer>} */
export const PEERS = {
  dobby,
  ...earlierBuilds,
  'ws-loop': program({ name: 'ws-loop', dialect: 'json' }),
  uws: program({ name: 'uws', dialect: 'json', command: BUN }),
  socketio: program({ name: 'socketio', dialect: 'socketio' }),
  'socketio-recovery': program({ name: 'socketio-recovery', dialect: 'socketio', isCompared: false }),
  nchan,
  ceiling: program({ name: 'ceiling', dialect: 'json', isCompared: false }),
};
