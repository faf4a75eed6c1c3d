/**
 * The subscribers of a run, all on one thread: they share an account and one read buffer. A fault on any of
 * them that the account does not let pass closes all; `onFault` is called once.
 */
import { nowMs } from './clock.mjs';
import { Connection } from './connection.mjs';

const READ_BYTES = 256 * 1024;
const CONNECTING_AT_ONCE = 50;

/** @typedef {import('./exact-account.mjs').ExactAccount | import('./lenient-account.mjs').LenientAccount} Account */

/**
 * @typedef {object} SubscribersOptions
 * @property {number} port
 * @property {number} count
 * @property {string} path
 * @property {import('./dialects.mjs').Dialect} dialect
 * @property {Account} account
 * @property {(fault: unknown) => void} onFault
 */

export class Subscribers {
  /** When the last update came. */
  lastMs = 0;
  /** Connections whose subscription is made. */
  ready = 0;
  /** @type {Connection[]} */
  #connections = [];
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #options;
  #isClosed = false;

  /** @param {SubscribersOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Connects and subscribes all of them, some at a time. */
  async open() {
    const { count } = this.#options;
    const lane = async () => {
      while (this.#connections.length < count && !this.#isClosed) {
        await new Promise((resolve) => this.#connect(() => resolve(undefined)));
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
  }

  close() {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close();
  }

  #connect(onReady) {
    const connection = new Connection({
      ...this.#options,
      index: this.#connections.length,
      buffer: this.#buffer,
      onReady: () => {
        this.ready++;
        onReady();
      },
      onUpdates: (from, to) => {
        this.lastMs = nowMs();
        this.#options.account.note(this.lastMs, from, to);
      },
      onFault: (fault) => {
        if (this.#isClosed || this.#options.account.mayPass(fault)) return;
        this.close();
        this.#options.onFault(fault);
      },
    });
    this.#connections.push(connection);
  }
}
