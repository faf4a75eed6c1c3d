/** Servers under test: started as processes in a folder of their own, restarted at their place, stopped with all that they left. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Fault, within } from '../load/fault.mjs';
import { nowMs } from '../load/usage.mjs';

/** The repository's folder, where servers are started. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The API key of every server under test; they listen on the loopback and live for seconds. */
export const KEY = 'bench-key-of-a-server-that-lives-for-seconds';

const START_MS = 20_000;
const STOP_MS = 3_000;
const EXIT_MS = 15_000;
const REST_MS = 200;
const TAIL_CHARS = 4_000;

/** Processes that are killed when this one ends; parents before their children, so that none is started anew. @type {Set<number>} */
const living = new Set();
process.on('exit', () => killAll([...living]));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

function killAll(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}

/**
 * One process that listens, and those that it has started: `pids` of all.
 * @typedef {{port: number, pids: number[], backEndPids?: number[], output: () => string, stop: () => Promise<void>}} Server
 */
/** Where a server starts; port 0 for any, `isOpen` when the paths of the bench are public. @typedef {{port: number, folder: string, isOpen: boolean}} Place */

/**
 * Starts a process and waits until it listens.
 * @param {string} command
 * @param {string[]} args
 * @param {object} [how]
 * @param {Record<string, string>} [how.env] beside this process's own
 * @param {(output: string) => {port: number, pids: number[]} | null} [how.listening] reads from the output that it listens, and which processes
 *   it has started; if not said, it prints `http://127.0.0.1:<port>` and has started none
 * @returns {Promise<Server>}
 */
export async function startServer(command, args, { env = {}, listening = printedUrl } = {}) {
  // Nothing of this environment may change how Node runs.
  const { NODE_OPTIONS: _options, ...own } = process.env;
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...own, NODE_ENV: 'production', BENCH_KEY: KEY, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  living.add(pid);
  const ended = new Promise((resolve) => child.once('exit', resolve)).then(() => living.delete(pid));
  let output = '';
  let children = [];
  const stop = async () => {
    child.kill('SIGTERM');
    await within(ended, STOP_MS, () => 'it was still running').catch(() => killAll([pid]));
    killAll(children);
    await ended;
    for (const each of children) living.delete(each);
  };
  const opened = new Promise((resolve, reject) => {
    const hear = (chunk) => {
      output = (output + chunk).slice(-TAIL_CHARS);
      const found = listening(output);
      if (found !== null) resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Fault('closed', `the server ended with ${code}:\n${output}`)));
  });
  try {
    const missing = () => `the server had not said where it listens:\n${output}`;
    const { port, pids } = await within(opened, START_MS, missing);
    children = pids;
    for (const each of pids) living.add(each);
    return { port, pids: [pid, ...pids], output: () => output, stop };
  } catch (error) {
    if (pid > 0) await stop();
    throw error;
  }
}

/** Reads what servers of Node print. @param {string} output */
function printedUrl(output) {
  const line = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
  return line === null ? null : { port: Number(line[1]), pids: [] };
}

/**
 * Starts a server of a peer, gives it to `use`, stops it. An error contains the server's output.
 * @template T
 * @param {import('./table.mjs').Peer} peer
 * @param {(running: Running) => Promise<T>} use
 * @param {boolean} [isOpen] whether the paths of the bench are public
 */
export async function withServer(peer, use, isOpen = true) {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-bench-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', forget);
  /** @type {Running | null} */
  let running = null;
  try {
    running = new Running(peer, { folder, isOpen }, await peer.start({ port: 0, folder, isOpen }));
    return await use(running);
  } catch (error) {
    if (error instanceof Error && running !== null)
      error.message += `\n  in ${peer.name}. The server said:\n${running.server.output()}`;
    throw error;
  } finally {
    await running?.server.stop();
    forget();
    process.off('exit', forget);
    await sleep(REST_MS);
  }
}

export class Running {
  /** The server that runs now. @type {Server} */
  server;
  #peer;
  #place;

  constructor(peer, place, server) {
    this.#peer = peer;
    this.#place = place;
    this.server = server;
  }

  /** Ends it with a signal and starts it again at its place as soon as it has gone. Answers what both took. @param {NodeJS.Signals} signal */
  async restart(signal) {
    const { port, pids } = this.server;
    const beganMs = nowMs();
    process.kill(pids[0], signal);
    while (isAlive(pids[0])) {
      if (nowMs() - beganMs > EXIT_MS)
        throw new Fault('late', `the server had not ended ${EXIT_MS} ms after ${signal}`);
      await sleep(1);
    }
    const goneMs = nowMs();
    this.server = await this.#peer.start({ ...this.#place, port });
    return { exitMs: goneMs - beganMs, startMs: nowMs() - goneMs };
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Returns a port that nothing listens on. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
