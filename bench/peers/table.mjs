/**
 * The systems that can be put under load: how each is started, where updates are posted, how its clients speak. A new peer is a line
 * here, a program beside this file, and a dialect in ../load/dialects.mjs where none fits.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { centrifugo } from './centrifugo.mjs';
import { nchan } from './nchan.mjs';
import { KEY, ROOT, startServer } from './server.mjs';

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} dialect of its clients
 * @property {string} [returning] the dialect of clients that come back, where it is another
 * @property {import('../load/publishers.mjs').Publish} publish
 * @property {() => string | null} missing what has to be done before it can run
 * @property {(place: import('./server.mjs').Place) => Promise<import('./server.mjs').Server>} start a fresh server
 */

/** @type {import('../load/publishers.mjs').Publish} */
const UPDATE = {
  url: '/api/update',
  header: `Authorization: Bearer ${KEY}`,
  path: 'path',
  message: 'message',
};

/** The command line of Dobby, below the folder of a clone. */
const COMMAND = 'server/dist/server/src/cli/main.js';
/** How fast connections are admitted is no part of what is measured: the generator opens them as fast as it can. */
const OPEN = ['--public', 'bench/{name*}', '--max-opens-per-second', '100000'];
const UNLIMITED = ['--max-commands-per-second', '1000000000'];
/** Requests that wait for a connection to the back end are bounded: enough of these for some hundred clients. */
const CONNECTIONS = ['--command-connections', '64'];

/**
 * What `BENCH_BEFORE` names is a built clone of an earlier state, run as two systems: where it differs from itself by more than from this
 * one the comparison says nothing.
 */
const BEFORE = process.env['BENCH_BEFORE'];
const BUILDS = ['dobby', 'before', 'before-again'];

/** Whether a system is a build of Dobby. @param {string} name */
export const isDobby = (name) => BUILDS.includes(name);

/** What the package `bun` installs for this machine. Its own launcher wants an install script, which is not run. */
const BUN = `node_modules/@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}/bin/bun`;

/** The command line of a build. @param {string} name */
const commandOf = (name) => join((name.startsWith('before') && BEFORE) || ROOT, COMMAND);

/** @param {string} name @param {string[]} flags @param {import('./server.mjs').Place} place */
function startDobby(name, flags, { port, folder, isOpen }) {
  const args = ['--port', String(port), '--host', '127.0.0.1', ...(isOpen ? OPEN : []), ...flags];
  const env = { DOBBY_API_KEY: KEY, DOBBY_STATE_DIR: folder };
  return startServer(process.execPath, [commandOf(name), ...args], { env });
}

/** @param {string} name @param {string[]} [flags] @param {Peer['start']} [start] @returns {Peer} */
function dobby(name, flags = [], start = (place) => startDobby(name, flags, place)) {
  const isEarlier = name.startsWith('before');
  const command = commandOf(name);
  const why =
    isEarlier && !BEFORE ? 'BENCH_BEFORE names no clone' : `${command} is missing: npm run build makes it`;
  return {
    ...{ name, dialect: 'dobby', publish: UPDATE },
    missing: () => ((BEFORE || !isEarlier) && existsSync(command) ? null : why),
    start,
  };
}

/** A program of this folder. @param {string} name @param {{dialect?: string, command?: string}} how @returns {Peer} */
function program(name, { dialect = 'json', command = process.execPath }) {
  return {
    ...{ name, dialect, publish: UPDATE },
    missing: () =>
      existsSync(join(ROOT, command)) || existsSync(command)
        ? null
        : `${command} is missing: npm install brings it`,
    start: ({ port }) =>
      startServer(command, [`bench/peers/${name}.mjs`], { env: { BENCH_PORT: String(port) } }),
  };
}

/** Starts Dobby with a process behind it that answers its commands. @param {import('./server.mjs').Place} place */
async function startWithBackEnd(place) {
  const backEnd = await startServer(process.execPath, ['bench/peers/command-back-end.mjs']);
  try {
    const flags = [...UNLIMITED, ...CONNECTIONS, '--command-url', `http://127.0.0.1:${backEnd.port}/command`];
    const server = await startDobby('dobby-webhook', flags, place);
    const stop = async () => {
      await server.stop();
      await backEnd.stop();
    };
    const output = () => `${server.output()}\n  Its back end said:\n${backEnd.output()}`;
    return { ...server, output, stop, backEndPids: backEnd.pids };
  } catch (error) {
    await backEnd.stop();
    throw error;
  }
}

const byName = (peers) => Object.fromEntries(peers.map((peer) => [peer.name, peer]));

/** Systems that hear updates. @type {Record<string, Peer>} */
export const PEERS = byName([
  ...BUILDS.map((name) => dobby(name)),
  program('ws-loop', {}),
  program('uws', { command: BUN }),
  program('socketio', { dialect: 'socketio' }),
  centrifugo,
  nchan,
]);

/** Those that run when none is named. */
export const COMPARED = ['dobby', 'ws-loop', 'uws', 'socketio', 'centrifugo', 'nchan'];

const MODULES = [...UNLIMITED, '--commands', 'bench/peers/commands'];

/** Systems that answer commands. No rate limits what a session may ask. @type {Record<string, Peer>} */
export const COMMAND_PEERS = byName([
  ...BUILDS.map((name) => dobby(name, MODULES)),
  program('socketio', { dialect: 'socketio' }),
  dobby('dobby-webhook', [], startWithBackEnd),
]);
