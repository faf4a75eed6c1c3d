/**
 * Publishes at a steady rate, whatever the server does: each update has a time at which it is due, from which its delay is counted. A few
 * lanes send them, each one after the other, so the updates of one publisher keep their order. When asked to, a lane repeats a refused or lost
 * request with the same idempotency key until it is accepted.
 */
import { nowMs } from './clock.mjs';
import { Failure } from './failure.mjs';
import { Fault, within } from './fault.mjs';
import { KeepAlive } from './http.mjs';
import { updateHead } from './update-request.mjs';

const TICK_MS = 1;
const RETRY_MS = 20;
const ANSWER_MS = 10_000;
/** After the last is due: until all is accepted. */
const SETTLE_MS = 20_000;

/**
 * @typedef {object} OpenLoopOptions
 * @property {number} port
 * @property {{url: string, key: string}} publish where and with which key
 * @property {import('./message.mjs').Messages} messages
 * @property {string[]} paths of each publisher
 * @property {number} perSecond of all together
 * @property {(i: number) => number} publisherOf who sends the `i`th update
 * @property {number} lanes
 * @property {boolean} [isRetrying] repeats what was not accepted; otherwise that is a fault
 */

/** @typedef {{p: number, n: number, attempts: number, request: string}} Job */

class Lane {
  /** @type {KeepAlive | null} */
  connection = null;
  /** @type {Job[]} */
  queue = [];
  sentMs = 0;
}

export class OpenLoop {
  /** When the first update is due. */
  startMs = 0;
  /** @type {import('./judge.mjs').Published[]} */
  published;
  /** How long after it was due the latest update was sent for the first time. */
  latestMs = 0;
  /** Requests that were answered 503, or not at all. */
  refusals = 0;
  #options;
  #lanes;
  #count = 0;
  #open = 0;
  #isClosed = false;
  #timer;
  /** That an update cannot be published. */
  #failure = new Failure();

  /** @param {OpenLoopOptions} options */
  constructor(options) {
    this.#options = options;
    this.published = options.paths.map((path, p) => ({
      p,
      path,
      dueMs: [],
      isAccepted: [],
      isRetried: [],
      positions: [],
    }));
    this.#lanes = Array.from({ length: options.lanes }, () => new Lane());
  }

  /** Begins. @param {number} [atMs] when the first update is due, at once by default */
  start(atMs = nowMs()) {
    this.startMs = atMs;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Sends no more, and waits until all is accepted. */
  async stop() {
    clearInterval(this.#timer);
    try {
      await within(this.during(this.#settled()), SETTLE_MS, () => `${this.#open} updates were not accepted`);
    } finally {
      this.close();
    }
  }

  /** Ends it at once. */
  close() {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { connection } of this.#lanes) connection?.close();
  }

  /** Rejects when an update cannot be published; otherwise waits for `promise`. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  during(promise) {
    return this.#failure.during(promise);
  }

  /** The last accepted number of each publisher. @returns {Map<number, number>} */
  get lastOf() {
    const last = this.published.map(
      ({ p, isAccepted }) => /** @type {const} */ ([p, isAccepted.lastIndexOf(true)]),
    );
    return new Map(last.filter(([, n]) => n >= 0));
  }

  async #settled() {
    while (this.#open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #tick() {
    const { perSecond, publisherOf } = this.#options;
    const now = nowMs();
    for (;;) {
      const dueMs = this.startMs + (this.#count * 1000) / perSecond;
      if (dueMs > now) break;
      this.#enqueue(publisherOf(this.#count++), dueMs);
    }
    for (const lane of this.#lanes) {
      if (lane.sentMs > 0 && now - lane.sentMs > ANSWER_MS)
        this.#refused(lane, `no answer in ${ANSWER_MS} ms`, 0);
    }
  }

  #enqueue(p, dueMs) {
    const published = this.published[p];
    const n = published.dueMs.push(dueMs) - 1;
    published.isAccepted.push(false);
    published.isRetried.push(false);
    published.positions.push(null);
    this.#open++;
    const lane = this.#lanes[p % this.#lanes.length];
    lane.queue.push({ p, n, attempts: 0, request: this.#request(published.path, p, n) });
    if (lane.queue.length === 1) this.#send(lane);
  }

  #request(path, p, n) {
    const { port, publish, messages, isRetrying } = this.#options;
    const rest = `${messages.text(p, n)}${isRetrying ? `,"idempotencyKey":"${p}-${n}"` : ''}`;
    return `${updateHead({ port, ...publish, path, messageBytes: rest.length })}${rest}}`;
  }

  #send(lane) {
    if (this.#isClosed) return;
    const job = lane.queue[0];
    if (lane.connection === null || lane.connection.isClosed)
      lane.connection = new KeepAlive(this.#options.port);
    lane.sentMs = nowMs();
    const published = this.published[job.p];
    if (job.attempts++ === 0) this.latestMs = Math.max(this.latestMs, lane.sentMs - published.dueMs[job.n]);
    else published.isRetried[job.n] = true;
    lane.connection.request(job.request, (failure, status, body) => {
      if (failure !== null || status < 200 || status > 299) {
        return this.#refused(lane, failure?.message ?? `status ${status} ${body}`, status);
      }
      lane.sentMs = 0;
      published.isAccepted[job.n] = true;
      published.positions[job.n] = positionIn(body);
      this.#open--;
      lane.queue.shift();
      if (lane.queue.length > 0) this.#send(lane);
    });
  }

  /** @param {number} status 0 without an answer */
  #refused(lane, why, status) {
    const { p, n } = lane.queue[0];
    lane.sentMs = 0;
    const mayPass = status === 0 || status >= 500;
    if (!this.#options.isRetrying || !mayPass) {
      this.close();
      return this.#failure.fail(new Fault('refused', `update ${n} of publisher ${p}: ${why}`));
    }
    this.refusals++;
    lane.connection?.close();
    setTimeout(() => this.#send(lane), RETRY_MS);
  }
}

/** The position in an answer to `update`; null where the system has none. @param {string} body */
function positionIn(body) {
  return body.startsWith('{') ? (JSON.parse(body).position ?? null) : null;
}
