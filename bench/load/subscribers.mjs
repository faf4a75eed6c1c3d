/**
 * The subscribers of a run, all on one thread: they share the canonical stream, the ledger, one read buffer and the chunk log.
 * A fault on any of them closes all; `onFault` is called once.
 */
import { Canon } from './canon.mjs';
import { nowMs } from './clock.mjs';
import { Connection } from './connection.mjs';
import { ChunkLog } from './latency.mjs';

const READ_BYTES = 256 * 1024;
const CONNECTING_AT_ONCE = 50;

/**
 * @typedef {object} SubscribersOptions
 * @property {number} port
 * @property {number} count
 * @property {string} path
 * @property {import('./dialects.mjs').Dialect} dialect
 * @property {import('./ledger.mjs').Ledger} ledger
 * @property {(fault: unknown) => void} onFault
 */

export class Subscribers {
  canon = new Canon();
  chunks = new ChunkLog();
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

  /** Connections that have not heard all that any of them has heard. */
  get behind() {
    return this.#connections.filter(({ delivery }) => !delivery.isComplete).length;
  }

  /** Updates received by all connections together in this phase. */
  get delivered() {
    return this.#connections.reduce((sum, { delivery }) => sum + this.canon.framesWithin(delivery.at), 0);
  }

  /** Begins a new phase. Only when none is behind. */
  clear() {
    this.canon.clear();
    this.chunks.clear();
    this.#options.ledger.clear();
    for (const { delivery } of this.#connections) delivery.clear();
  }

  close() {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close();
  }

  #connect(onReady) {
    const connection = new Connection({
      ...this.#options,
      index: this.#connections.length,
      canon: this.canon,
      buffer: this.#buffer,
      onReady: () => {
        this.ready++;
        onReady();
      },
      onUpdates: (from, to) => {
        this.lastMs = nowMs();
        this.chunks.add(this.lastMs, from, to);
      },
      onFault: (fault) => {
        if (this.#isClosed) return;
        this.close();
        this.#options.onFault(fault);
      },
    });
    this.#connections.push(connection);
  }
}
