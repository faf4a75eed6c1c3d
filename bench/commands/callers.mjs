/** The callers of a run: each reads for a connection, and a fault of any of them ends the run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../load/clock.mjs';
import { Failure } from '../load/failure.mjs';
import { within } from '../load/fault.mjs';
import { Subscribers } from '../load/subscribers.mjs';
import { Caller } from './caller.mjs';
import { COMMAND_DIALECTS } from './dialects.mjs';

const PATH = 'bench/commands';
const OPEN_MS = 60_000;
const POLL_MS = 2;

export class Callers {
  /** @type {Caller[]} */
  all = [];
  /** When the last answer came. */
  lastMs = 0;
  #failure = new Failure();
  #connections;
  #count;
  #onReply;

  /**
   * @param {{port: number, dialect: string, clients: number}} order
   * @param {import('./caller.mjs').CallerOptions['onReply']} onReply
   */
  constructor({ port, dialect, clients }, onReply) {
    this.#count = clients;
    this.#onReply = onReply;
    this.#connections = new Subscribers({
      port,
      path: PATH,
      count: clients,
      dialect: COMMAND_DIALECTS[dialect],
      account: /** @type {any} */ (this),
      onFault: (fault) => this.#failure.fail(fault),
    });
  }

  /** Connects all of them. */
  async open() {
    const missing = () => `only ${this.#connections.ready} of ${this.#count} were ready`;
    await this.during(within(this.#connections.open(), OPEN_MS, missing));
  }

  /** Waits until every command has its answer, at most `ms`. */
  async drain(ms) {
    const untilMs = nowMs() + ms;
    while (this.all.some(({ open }) => open > 0)) {
      if (nowMs() > untilMs) for (const caller of this.all) caller.expectNone();
      await this.during(sleep(POLL_MS));
    }
  }

  /** Rejects when something has failed; otherwise waits for `promise`. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  during(promise) {
    return this.#failure.during(promise);
  }

  close() {
    this.#connections.close();
  }

  /** What the next connection gives its bytes to. */
  reader(speaker) {
    const caller = new Caller(speaker, { path: PATH, onReply: this.#onReply });
    this.all.push(caller);
    return caller;
  }

  /** Notes that answers came. @param {number} atMs */
  note(atMs) {
    this.lastMs = atMs;
  }

  /** No fault may pass. */
  mayPass() {
    return false;
  }
}
