/** The load generator of a measured window, a process of its own: subscribers in the main thread, publishers in a second one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Account } from './account.mjs';
import { faultTold, within } from './fault.mjs';
import { Messages } from './message.mjs';
import { serve } from './remote.mjs';
import { Subscribers } from './subscribers.mjs';
import { nowMs, Usage } from './usage.mjs';

const OPEN_MS = 60_000;
const DRAIN_MS = 30_000;
/** After the last delivery: what comes now was doubled. */
const QUIET_MS = 100;
const MAX_UPDATES = 4_000_000;

/**
 * @typedef {object} WindowOrder
 * @property {number} port of the server, on 127.0.0.1
 * @property {number[]} pids of the server's processes, whose CPU counts
 * @property {string} dialect
 * @property {import('./publishers.mjs').Publish} publish
 * @property {string} path
 * @property {number} subscribers
 * @property {number} publishers
 * @property {number | null} everyMs between two updates, publishers by turns; null: each its next when its last is accepted
 * @property {number} warmMs
 * @property {number} measuredMs
 * @property {number} seed
 * @property {number} messageBytes
 * @property {boolean} isLenient counts what is lost instead of ending the run
 */

class Driver {
  #order;
  #times = new SharedArrayBuffer(MAX_UPDATES * 8);
  #account;
  #subscribers;
  /** @type {Worker} */
  #worker;

  /** @param {WindowOrder} order */
  constructor(order) {
    const { port, dialect, path, seed, messageBytes, publishers, subscribers, isLenient } = order;
    const published = new Float64Array(this.#times);
    this.#order = order;
    this.#account = new Account({
      ...{ path, publishers, isLenient, messages: new Messages(seed, messageBytes) },
      publishedAt: (slot) => published[slot],
    });
    this.#subscribers = new Subscribers({
      ...{ port, dialect, path, count: subscribers, mayClose: isLenient },
      readerOf: (conversation) => this.#account.reader(conversation),
    });
  }

  /** Measures; `lost` are deliveries that never came, `publishMs` is to the last answer, `deliverMs` to the last delivery. */
  async run() {
    const { subscribers, warmMs, measuredMs, pids } = this.#order;
    const [account, connections] = [this.#account, this.#subscribers];
    const missing = () => `only ${connections.ready} of ${subscribers} were subscribed`;
    await within(connections.open(), OPEN_MS, missing);
    const workerData = { ...this.#order, times: this.#times };
    this.#worker = new Worker(new URL('./publishing-thread.mjs', import.meta.url), { workerData });
    this.#worker.on('error', ({ message }) => {
      throw faultTold({ kind: 'refused', message });
    });
    await this.#phase(warmMs, true);
    await sleep(QUIET_MS);
    account.clear();
    const [startMs, usage] = [nowMs(), new Usage(pids)];
    const { accepted, elapsedMs, utilization } = await this.#phase(measuredMs, false);
    const used = usage.end();
    await sleep(QUIET_MS);
    account.expectAll(accepted);
    const count = account.delivered;
    const { disordered } = account;
    const generator = { ...used.generator, publisherBusy: utilization };
    const took = { publishMs: elapsedMs, deliverMs: account.lastMs - startMs };
    const lost = accepted * subscribers - count;
    return {
      ...used,
      ...took,
      generator,
      updates: accepted,
      count,
      lost,
      disordered,
      samples: account.samples().toJSON(),
    };
  }

  /** Publishes for `ms` and waits until all of it has arrived everywhere. */
  async #phase(ms, isWarmUp) {
    const answered = new Promise((resolve) => this.#worker.once('message', resolve));
    this.#worker.postMessage({ ms, isWarmUp });
    const ran = await within(answered, ms + DRAIN_MS, () => 'the publishers had not ended');
    for (const untilMs = nowMs() + DRAIN_MS; !this.#account.hasAll(ran.accepted); await sleep(2))
      if (nowMs() > untilMs) this.#account.expectAll(ran.accepted);
    return ran;
  }
}

serve((order) => new Driver(order));
