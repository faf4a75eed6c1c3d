/**
 * The load generator, a process of its own (obey.mjs): subscribers in the main thread, publishers in a second one.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { nowMs } from './clock.mjs';
import { cpuSeconds, machineSeconds, mainThreadSeconds } from './cpu.mjs';
import { DIALECTS } from './dialects.mjs';
import { ExactAccount } from './exact-account.mjs';
import { Failure } from './failure.mjs';
import { Fault, within } from './fault.mjs';
import { Ledger } from './ledger.mjs';
import { LenientAccount } from './lenient-account.mjs';
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
 * @property {boolean} isLenient counts what is lost instead of ending the run
 */

/**
 * One measured window.
 * @typedef {object} Result
 * @property {number} updates accepted
 * @property {number} deliveries all of them checked
 * @property {number} lost deliveries that never came; 0 unless lenient
 * @property {number} publishMs from the first publish to the last answer
 * @property {number} deliverMs from the first publish to the last delivery
 * @property {number} serverCpu seconds
 * @property {{cpu: number, readerCpu: number, readerBusy: number, publisherBusy: number}} generator seconds, and shares from 0 to 1
 * @property {number} othersCpu seconds that neither server nor generator used: other people's work on this machine
 * @property {[number, number][]} samples bins of latency.mjs
 */

class Driver {
  /** @type {Worker} */
  worker;
  #failure = new Failure();

  /** @param {Order} order */
  constructor(order) {
    this.order = order;
    const { seed, messageBytes, publishers, path, port, subscribers } = order;
    const messages = new Messages(seed, messageBytes);
    const ledger = new Ledger({ messages, publishers, path });
    this.times = new SharedArrayBuffer(MAX_UPDATES * 8);
    const published = new Float64Array(this.times);
    const publishedAt = (slot) => published[slot];
    const Account = order.isLenient ? LenientAccount : ExactAccount;
    this.account = new Account({ ledger, publishedAt });
    this.subscribers = new Subscribers({
      port,
      path,
      count: subscribers,
      dialect: DIALECTS[order.dialect],
      account: this.account,
      onFault: (fault) => this.#failure.fail(fault),
    });
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
    this.worker.on('error', (error) => this.#failure.fail(error));
    await this.#phase(order.warmMs, true);
    await sleep(QUIET_MS);
    this.account.clear();
    const result = await this.#measure();
    await this.#failure.during(sleep(QUIET_MS));
    this.account.expectAll(result.updates);
    const samples = this.account.samples();
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
    const deliveries = this.account.delivered;
    return {
      updates: ran.accepted,
      deliveries,
      lost: ran.accepted * order.subscribers - deliveries,
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
    while (!this.account.hasAll(accepted)) {
      if (nowMs() > untilMs) return this.account.expectAll(accepted);
      await sleep(2);
    }
  }

  #within(promise, ms, missing) {
    return within(this.#failure.during(promise), ms, missing);
  }

  #publisherData() {
    const { port, path, seed, publishers, everyMs, messageBytes, publish } = this.order;
    return { port, path, seed, publishers, everyMs, messageBytes, ...publish, times: this.times };
  }
}

obey((order) => new Driver(/** @type {Order} */ (order)).run());
