/** The load generator, a process of its own (../load/obey.mjs): clients that each have so many commands outstanding at all times. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../load/clock.mjs';
import { Samples } from '../load/latency.mjs';
import { Messages } from '../load/message.mjs';
import { obey } from '../load/obey.mjs';
import { Callers } from './callers.mjs';
import { beginUsage } from './usage.mjs';

const DRAIN_MS = 20_000;
/** After the last answer: what comes now was doubled. */
const QUIET_MS = 100;

/**
 * @typedef {object} Order
 * @property {number} port of the server, on 127.0.0.1
 * @property {number[]} pids of the server's processes, whose CPU counts
 * @property {number[]} backEndPids of what stands behind it
 * @property {string} dialect
 * @property {number} clients
 * @property {number} outstanding commands of each that have no answer
 * @property {number} warmMs
 * @property {number} measuredMs
 * @property {number} seed
 * @property {number} messageBytes of arguments, and of replies
 */

/**
 * One measured window.
 * @typedef {ReturnType<ReturnType<typeof beginUsage>> & {calls: number, deliverMs: number, samples: [number, number][]}} Result
 * `calls` are those that were answered, all of them checked; `deliverMs` is from the first command to the last answer.
 */

class Driver {
  #order;
  #messages;
  #callers;
  #samples = new Samples();
  #untilMs = 0;

  /** @param {Order} order */
  constructor(order) {
    this.#order = order;
    this.#messages = new Messages(order.seed, order.messageBytes);
    this.#callers = new Callers(order, (caller, { sinceMs }, atMs) => {
      this.#samples.add(atMs - sinceMs);
      if (atMs < this.#untilMs) this.#ask(caller);
    });
  }

  /** @returns {Promise<Result>} */
  async run() {
    const { warmMs, measuredMs } = this.#order;
    await this.#callers.open();
    await this.#phase(warmMs);
    await this.#callers.during(sleep(QUIET_MS));
    this.#samples = new Samples();
    const end = beginUsage(this.#order);
    const startMs = nowMs();
    await this.#phase(measuredMs);
    const usage = end();
    await this.#callers.during(sleep(QUIET_MS));
    this.#callers.close();
    return {
      ...usage,
      calls: this.#samples.count,
      deliverMs: this.#callers.lastMs - startMs,
      samples: this.#samples.toJSON(),
    };
  }

  /** Asks for `ms`, and waits until all of it is answered. */
  async #phase(ms) {
    this.#untilMs = nowMs() + ms;
    for (const caller of this.#callers.all) {
      for (let i = 0; i < this.#order.outstanding; i++) this.#ask(caller);
      caller.flush();
    }
    await this.#callers.during(sleep(ms));
    await this.#callers.drain(DRAIN_MS);
  }

  #ask(caller) {
    caller.ask('echo', this.#messages.text(caller.index, caller.asked));
  }
}

obey((order) => new Driver(/** @type {Order} */ (order)).run());
