/**
 * Holds many idle sessions, in a process of its own: warms the server up, opens the sessions, answers pings, reads the server's memory, and at
 * the end publishes one update that every session must hear.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Account } from './account.mjs';
import { within } from './fault.mjs';
import { Messages } from './message.mjs';
import { Publishers } from './publishers.mjs';
import { serve } from './remote.mjs';
import { Subscribers } from './subscribers.mjs';
import { cpuSeconds, nowMs, residentBytes } from './usage.mjs';

const PATH = 'bench/idle';
const MESSAGE_BYTES = 128;
/** Updates that nothing hears, so that the server has its code and buffers before the first reading. */
const WARM_UP_UPDATES = 500;
const REST_MS = 1_000;
const OPEN_MS = 120_000;
const HEAR_MS = 20_000;

/** @typedef {{port: number, pids: number[], dialect: string, publish: import('./publishers.mjs').Publish, sessions: number, waitMs: number, seed: number}} IdleOrder */

class Holder {
  #order;
  #account;
  #subscribers;
  #publishers;

  /** @param {IdleOrder} order */
  constructor(order) {
    const { port, dialect, publish, sessions, seed } = order;
    const messages = new Messages(seed, MESSAGE_BYTES);
    this.#order = order;
    this.#account = new Account({ messages, publishers: 2, path: PATH, publishedAt: () => 0 });
    this.#subscribers = new Subscribers({
      ...{ port, dialect, path: PATH, count: sessions },
      readerOf: (conversation) => this.#account.reader(conversation),
    });
    const onFault = (fault) => {
      throw fault;
    };
    this.#publishers = new Publishers({ port, publish, messages, paths: ['bench/warm-up', PATH], onFault });
  }

  /** Bytes before the first session, when the last was open, and after the wait; what opening took, and the CPU of the wait. */
  async run() {
    const { pids, waitMs, sessions } = this.#order;
    const [account, subscribers] = [this.#account, this.#subscribers];
    for (let n = 0; n < WARM_UP_UPDATES; n++) await this.#publishers.publish(0);
    await sleep(REST_MS);
    const beforeBytes = residentBytes(pids);
    const startMs = nowMs();
    await within(subscribers.open(), OPEN_MS, () => `only ${subscribers.ready} of ${sessions} were open`);
    const openMs = nowMs() - startMs;
    const openBytes = residentBytes(pids);
    const openCpu = cpuSeconds(pids);
    await sleep(waitMs);
    const held = { heldBytes: residentBytes(pids), waitCpu: cpuSeconds(pids) - openCpu };
    // Proves that what was measured are sessions: all are still subscribed.
    await this.#publishers.publish(1);
    for (const untilMs = nowMs() + HEAR_MS; !account.hasAll(1) && nowMs() < untilMs; ) await sleep(5);
    account.expectAll(1);
    subscribers.close();
    this.#publishers.close();
    return { beforeBytes, openBytes, openMs, ...held };
  }
}

serve((order) => new Holder(order));
