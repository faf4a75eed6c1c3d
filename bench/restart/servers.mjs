/** Servers that can be ended and started again where they were: on the same port, with the same state folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from '../load/children.mjs';
import { nowMs } from '../load/clock.mjs';
import { Fault } from '../load/fault.mjs';
import { BUILDS, commandOf } from '../peers/dobby.mjs';
import { startInFolder } from '../peers/folder.mjs';
import { KEY } from '../peers/key.mjs';

const EXIT_MS = 15_000;

/** Starts a system on `port`, 0 for any. @typedef {(port: number) => Promise<import('../load/children.mjs').Server>} Start */

/** A program of ../peers. @param {string} name @returns {Start} */
const program = (name) => (port) =>
  startServer({
    command: process.execPath,
    args: [`bench/peers/${name}.mjs`],
    env: { BENCH_KEY: KEY, BENCH_PORT: String(port) },
  });

/** Nothing is public: who may hear a path is for the back end to say. @param {string} folder @param {string} command @returns {Start} */
const dobby = (folder, command) => (port) =>
  startServer({
    command: process.execPath,
    args: [command, '--port', String(port), '--host', '127.0.0.1'],
    env: { DOBBY_API_KEY: KEY, DOBBY_STATE_DIR: folder },
  });

export class Restartable {
  /** The server that runs now. @type {import('../load/children.mjs').Server} */
  server;
  #start;
  #forget;

  /** @param {Start} start @param {import('../load/children.mjs').Server} server @param {() => Promise<void>} forget */
  constructor(start, server, forget) {
    this.#start = start;
    this.server = server;
    this.#forget = forget;
  }

  /** @param {string} system */
  static async start(system) {
    if (!BUILDS.includes(system)) {
      const start = program(system);
      const server = await start(0);
      return new Restartable(start, server, server.stop);
    }
    /** @type {Start} */
    let start = program(system);
    const server = await startInFolder((folder) => {
      start = dobby(folder, commandOf(system));
      return start(0);
    });
    return new Restartable(start, server, server.stop);
  }

  /**
   * Ends it with a signal and starts it again as soon as it has gone.
   * @param {NodeJS.Signals} signal
   * @returns {Promise<{exitMs: number, startMs: number}>} how long it took to end, and then to listen again
   */
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
    this.server = await this.#start(port);
    return { exitMs: goneMs - beganMs, startMs: nowMs() - goneMs };
  }

  async stop() {
    await this.server.stop();
    await this.#forget();
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
