/** The clients that read on, in a process of their own: every delivery is held against one canonical stream, as in fan-out. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../load/clock.mjs';
import { DIALECTS } from '../load/dialects.mjs';
import { Ledger } from '../load/ledger.mjs';
import { Messages } from '../load/message.mjs';
import { fail, serve } from '../load/remote.mjs';
import { Subscribers } from '../load/subscribers.mjs';
import { PhasedAccount } from './phased-account.mjs';

const DRAIN_MS = 30_000;
const LOOK_MS = 5;
/** After the last delivery: what comes now was doubled. */
const QUIET_MS = 200;

/**
 * @typedef {object} ReadersOrder
 * @property {number} port
 * @property {string} dialect
 * @property {string} path
 * @property {number} count
 * @property {number} publishers that send by turns
 * @property {number} perSecond updates of all publishers together
 * @property {number} seed
 * @property {number} messageBytes
 */

class Calls {
  #subscribers;
  #account;
  #startMs = 0;
  #busyFrom = performance.eventLoopUtilization();
  #cpuFrom = process.cpuUsage();

  /** @param {ReadersOrder} order */
  constructor({ port, dialect, path, count, publishers, perSecond, seed, messageBytes }) {
    const ledger = new Ledger({ messages: new Messages(seed, messageBytes), publishers, path });
    const publishedAt = (slot) => this.#startMs + (slot * 1000) / perSecond;
    this.#account = new PhasedAccount({ ledger, publishedAt });
    this.#subscribers = new Subscribers({
      port,
      path,
      count,
      dialect: DIALECTS[dialect],
      account: this.#account,
      onFault: fail,
    });
  }

  open() {
    return this.#subscribers.open();
  }

  /** @param {{startMs: number, edges: number[]}} when the first update is due, and phases end */
  begin({ startMs, edges }) {
    this.#startMs = startMs;
    this.#account.begin(edges);
    this.#busyFrom = performance.eventLoopUtilization();
    this.#cpuFrom = process.cpuUsage();
  }

  /** Waits until all `accepted` updates came to all; answers what was measured. */
  async finish({ accepted }) {
    const untilMs = nowMs() + DRAIN_MS;
    while (!this.#account.hasAll(accepted) && nowMs() < untilMs) await sleep(LOOK_MS);
    await sleep(QUIET_MS);
    this.#account.expectAll(accepted);
    const used = process.cpuUsage(this.#cpuFrom);
    return {
      phases: this.#account.phases.map((samples) => samples.toJSON()),
      busy: performance.eventLoopUtilization(this.#busyFrom).utilization,
      cpu: (used.user + used.system) / 1e6,
    };
  }
}

serve((order) => new Calls(order));
