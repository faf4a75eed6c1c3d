/**
 * Holds many idle sessions, in a process of its own (obey.mjs): warms the server up, opens the sessions, answers pings, reads the
 * server's memory, and at the end publishes one update that every session must hear.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../load/clock.mjs';
import { cpuSeconds } from '../load/cpu.mjs';
import { DIALECTS } from '../load/dialects.mjs';
import { ExactAccount } from '../load/exact-account.mjs';
import { Failure } from '../load/failure.mjs';
import { Fault, within } from '../load/fault.mjs';
import { KeepAlive } from '../load/http.mjs';
import { Ledger } from '../load/ledger.mjs';
import { residentBytes } from '../load/memory.mjs';
import { Messages } from '../load/message.mjs';
import { obey } from '../load/obey.mjs';
import { Subscribers } from '../load/subscribers.mjs';
import { updateHead } from '../load/update-request.mjs';

const PATH = 'bench/idle';
/** Updates that nobody hears, so that the server has its code and buffers before the first reading. */
const WARM_UP_UPDATES = 500;
const REST_MS = 1_000;
const OPEN_MS = 120_000;
const HEAR_MS = 20_000;

/**
 * @typedef {object} HolderOrder
 * @property {number} port of the server, on 127.0.0.1
 * @property {number[]} pids of the server's processes, whose memory counts
 * @property {string} dialect
 * @property {{url: string, key: string}} publish where and with which key updates are posted
 * @property {number} sessions
 * @property {number} waitMs from the last opening to the reading
 * @property {number} seed
 */

/**
 * @typedef {object} Held
 * @property {number} beforeBytes resident before the first session
 * @property {number} openBytes when the last was open
 * @property {number} heldBytes after the wait
 * @property {number} openMs that opening all of them took
 * @property {number} waitCpu seconds of the server's CPU during the wait
 */

class Holder {
  #failure = new Failure();

  /** @param {HolderOrder} order */
  constructor(order) {
    this.order = order;
    this.messages = new Messages(order.seed);
    const ledger = new Ledger({ messages: this.messages, publishers: 1, path: PATH });
    this.account = new ExactAccount({ ledger, publishedAt: () => 0 });
    this.subscribers = new Subscribers({
      port: order.port,
      count: order.sessions,
      path: PATH,
      dialect: DIALECTS[order.dialect],
      account: this.account,
      onFault: (fault) => this.#failure.fail(fault),
    });
  }

  /** @returns {Promise<Held>} */
  async run() {
    const { pids, waitMs, sessions } = this.order;
    await this.#publish('bench/warm-up', WARM_UP_UPDATES);
    await sleep(REST_MS);
    const beforeBytes = residentBytes(pids);
    const startMs = nowMs();
    const opened = () => `only ${this.subscribers.ready} of ${sessions} were open`;
    await this.#within(this.subscribers.open(), OPEN_MS, opened);
    const openMs = nowMs() - startMs;
    const openBytes = residentBytes(pids);
    const openCpu = cpuSeconds(pids);
    await this.#within(sleep(waitMs), waitMs + REST_MS, () => 'the wait had not ended');
    const heldBytes = residentBytes(pids);
    const waitCpu = cpuSeconds(pids) - openCpu;
    await this.#expectAllToHear();
    return { beforeBytes, openBytes, heldBytes, openMs, waitCpu };
  }

  /** Proves that what was measured are sessions: all are still subscribed. */
  async #expectAllToHear() {
    const { account, subscribers } = this;
    await this.#publish(PATH, 1);
    const heard = async () => {
      while (!account.hasAll(1)) await sleep(5);
    };
    await this.#within(heard(), HEAR_MS, () => `only ${account.delivered} sessions had heard the update`);
    subscribers.close();
  }

  /** Publishes so many updates over a connection of its own. */
  async #publish(path, count) {
    const { port, publish } = this.order;
    const head = updateHead({ port, ...publish, path, messageBytes: this.messages.bytes });
    const connection = new KeepAlive(port);
    for (let n = 0; n < count; n++) {
      const answered = request(connection, `${head}${this.messages.text(0, n)}}`);
      await this.#within(answered, HEAR_MS, () => 'the update had not been accepted');
    }
    connection.close();
  }

  #within(promise, ms, missing) {
    return within(this.#failure.during(promise), ms, missing);
  }
}

/** @param {KeepAlive} connection @param {string} text */
function request(connection, text) {
  return new Promise((resolve, reject) => {
    connection.request(text, (failure, status, body) => {
      if (failure === null && status >= 200 && status < 300) resolve(undefined);
      else reject(failure ?? new Fault('refused', `status ${status} ${body}`));
    });
  });
}

obey((order) => new Holder(/** @type {HolderOrder} */ (order)).run());
