/**
 * The load generator, a process of its own (obey.mjs): subscribers in the main thread, publishers in a second one.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { nowMs } from './clock.mjs';
import { cpuSeconds, machineSeconds, mainThreadSeconds } from './cpu.mjs';
import { DIALECTS } from './dialects.mjs';
import { Fault, within } from './fault.mjs';
import { Ledger } from './ledger.mjs';
import { Messages } from './message.mjs';
import { obey } from './obey.mjs';
import { Subscribers } from './subscribers.mjs';

const OPEN_MS = 60_000;
const DRAIN_MS = 30_000;
/** After the last delivery: what comes now was doubled. */
const QUIET_MS = 100;
const MAX_UPDATES = 4_000_000;

/**
 * @typedef {object} Order
 * @property {number} port of the server, on 127.0.0.1
 * @property {number[]} pids of the server's processes, whose CPU counts
 * @property {string} dialect
 * @property {{url: string, key: string}} publish where and with which key updates are posted
 * @property {string} path
 * @property {number} subscribers
 * @property {number} publishers that may have an update on its way at once
 * @property {number | null} everyMs between two updates, whoever is free publishing the next; null: each its next when its last is answered
 * @property {number} warmMs
 * @property {number} measuredMs
 * @property {number} seed
 * @property {number} messageBytes
 */

/**
 * One measured window.
 * @typedef {object} Result
 * @property {number} updates accepted
 * @property {number} deliveries all of them checked
 * @property {number} publishMs from the first publish to the last answer
 * @property {number} deliverMs from the first publish to the last delivery
 * @property {number} serverCpu seconds
 * @property {{cpu: number, readerCpu: number, readerBusy: number, publisherBusy: number}} generator seconds, and shares from 0 to 1
 * @property {number} othersCpu seconds that neither server nor generator used: other people's work on this machine
 * @property {number} chunks reads that brought updates
 * @property {number} bytes of one connection's stream
 * @property {[number, number][]} samples bins of latency.mjs
 */

class Driver {
  /** @type {Worker} */
  worker;
  /** @type {(fault: unknown) => void} */
  #fail;
  #failed = new Promise((_, reject) => {
    this.#fail = reject;
  });

  /** @param {Order} order */
  constructor(order) {
    this.order = order;
    const { seed, messageBytes, publishers, path, port, subscribers } = order;
    const messages = new Messages(seed, messageBytes);
    this.ledger = new Ledger({ messages, publishers, path });
    this.times = new SharedArrayBuffer(MAX_UPDATES * 8);
    this.subscribers = new Subscribers({
      port,
      path,
      count: subscribers,
      dialect: DIALECTS[order.dialect],
      ledger: this.ledger,
      onFault: (fault) => this.#fail(fault),
    });
    // Every wait races against it; between two waits a failure may wait for the next one.
    this.#failed.catch(() => undefined);
  }

  /** @returns {Promise<Result>} */
  async run() {
    const { subscribers, order } = this;
    await this.#within(
      subscribers.open(),
      OPEN_MS,
      () => `only ${subscribers.ready} of ${order.subscribers} were subscribed`,
    );
    this.worker = new Worker(new URL('./publishers.mjs', import.meta.url), {
      workerData: this.#publisherData(),
    });
    this.worker.on('error', (error) => this.#fail(error));
    await this.#phase(order.warmMs, true);
    await sleep(QUIET_MS);
    subscribers.clear();
    const result = await this.#measure();
    await Promise.race([sleep(QUIET_MS), this.#failed]);
    this.#expectAll(result.updates);
    const samples = subscribers.chunks.samples(subscribers.canon, this.#publishedAt());
    if (samples.count !== result.deliveries) {
      throw new Fault('protocol', `${samples.count} latencies for ${result.deliveries} deliveries`);
    }
    subscribers.close();
    return { ...result, samples: samples.toJSON() };
  }

  /** Publishes for `ms` and waits until all of it has arrived everywhere. */
  async #phase(ms, isWarmUp) {
    const ran = await this.#publish(ms, isWarmUp);
    await this.#within(this.#drain(ran.accepted), DRAIN_MS + 1000, () => 'the drain had not ended');
    return ran;
  }

  async #measure() {
    const { subscribers, order } = this;
    const startMs = nowMs();
    const machineBefore = machineSeconds();
    const serverBefore = cpuSeconds(order.pids);
    const readerBefore = mainThreadSeconds();
    const generatorBefore = process.cpuUsage();
    const busyBefore = performance.eventLoopUtilization();
    const ran = await this.#phase(order.measuredMs, false);
    const used = process.cpuUsage(generatorBefore);
    const serverCpu = cpuSeconds(order.pids) - serverBefore;
    const generatorCpu = (used.user + used.system) / 1e6;
    const machineCpu = machineSeconds() - machineBefore;
    return {
      updates: ran.accepted,
      deliveries: subscribers.delivered,
      publishMs: ran.elapsedMs,
      deliverMs: subscribers.lastMs - startMs,
      serverCpu,
      othersCpu: Math.max(0, machineCpu - serverCpu - generatorCpu),
      generator: {
        cpu: generatorCpu,
        readerCpu: mainThreadSeconds() - readerBefore,
        readerBusy: performance.eventLoopUtilization(busyBefore).utilization,
        publisherBusy: ran.utilization,
      },
      chunks: subscribers.chunks.count,
      bytes: subscribers.canon.end,
    };
  }

  #publish(ms, isWarmUp) {
    const ran = new Promise((resolve, reject) => {
      this.worker.once('message', (message) => {
        if (message.type === 'ran') resolve(message);
        else reject(new Fault('refused', message.message));
      });
    });
    this.worker.postMessage({ type: 'run', ms, isWarmUp });
    return this.#within(ran, ms + DRAIN_MS, () => 'the publishers had not ended');
  }

  async #drain(accepted) {
    const untilMs = nowMs() + DRAIN_MS;
    while (this.ledger.count < accepted || this.subscribers.behind > 0) {
      if (nowMs() > untilMs) this.#expectAll(accepted);
      await sleep(2);
    }
  }

  #expectAll(accepted) {
    const { ledger, subscribers, order } = this;
    if (ledger.count !== accepted) {
      const kind = ledger.count < accepted ? 'missing' : 'doubled';
      throw new Fault(kind, `${accepted} updates were accepted, ${ledger.count} came to any connection`);
    }
    if (subscribers.behind > 0) {
      const all = accepted * order.subscribers;
      throw new Fault(
        'missing',
        `${subscribers.behind} connections lack some of ${all - subscribers.delivered} deliveries of ${all}`,
      );
    }
  }

  #within(promise, ms, missing) {
    return within(Promise.race([promise, this.#failed]), ms, missing);
  }

  #publisherData() {
    const { port, path, seed, publishers, everyMs, messageBytes, publish } = this.order;
    return { port, path, seed, publishers, everyMs, messageBytes, ...publish, times: this.times };
  }

  /** When the `index`th message of the canonical stream was sent. */
  #publishedAt() {
    const times = new Float64Array(this.times);
    return (index) => times[this.ledger.order[index]];
  }
}

obey((order) => new Driver(/** @type {Order} */ (order)).run());
