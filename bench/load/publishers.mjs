/**
 * Publishes updates over HTTP and notes what was sent, accepted and repeated. A lane is one kept-alive connection with one request at a time, so
 * the updates of one publisher keep their order. When asked to, a lane repeats what was refused, or not answered, with the same idempotency key.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from './fault.mjs';
import { KeepAlive } from './http.mjs';
import { nowMs } from './usage.mjs';

const RETRY_MS = 20;
const ANSWER_MS = 10_000;

/** How a system is asked to publish: names of fields, and the line that carries the key. @typedef {{url: string, header: string, path: string, message: string}} Publish */

/**
 * What one publisher published, by number.
 * @typedef {{p: number, path: string, sentMs: number[], isAccepted: boolean[], isRetried: boolean[],
 *   positions: (import('./dialects.mjs').Position | null)[]}} Published
 */

export class Publishers {
  /** @type {Published[]} */
  published;
  /** Updates that are not accepted yet. */
  open = 0;
  #options;
  #lanes;
  #isClosed = false;
  #watch;

  /**
   * @param {object} options
   * @param {number} options.port
   * @param {Publish} options.publish
   * @param {import('./message.mjs').Messages} options.messages
   * @param {string[]} options.paths of each publisher
   * @param {(fault: unknown) => void} options.onFault
   * @param {number} [options.lanes] one for each publisher, if not said
   * @param {boolean} [options.isRetrying] repeats what was not accepted; otherwise that is a fault
   */
  constructor(options) {
    this.#options = options;
    this.published = options.paths.map((path, p) => ({
      ...{ p, path, sentMs: [], isAccepted: [], isRetried: [], positions: [] },
    }));
    const lanes = options.lanes ?? options.paths.length;
    this.#lanes = Array.from({ length: lanes }, () => ({ connection: null, queue: [], sinceMs: 0 }));
    this.#watch = setInterval(() => this.#look(), 1000);
  }

  /** Publishes the next update of `p`, whose time counts from now; resolves when it is accepted. */
  publish(p) {
    const published = this.published[p];
    const n = published.sentMs.push(Math.floor(nowMs() * 1000) / 1000) - 1;
    published.isAccepted.push(false);
    published.isRetried.push(false);
    published.positions.push(null);
    this.open++;
    const lane = this.#lanes[p % this.#lanes.length];
    return new Promise((resolve) => {
      lane.queue.push({ p, n, attempts: 0, resolve });
      if (lane.queue.length === 1) this.#send(lane);
    });
  }

  /** The first `count` publishers publish for `ms`, each its next when its last was accepted. */
  async inTurn(count, ms) {
    const untilMs = nowMs() + ms;
    const one = async (p) => {
      while (nowMs() < untilMs) await this.publish(p);
    };
    await Promise.all(Array.from({ length: count }, (_, p) => one(p)));
  }

  /**
   * Publishes by the clock, whatever the server does, until `isOver`.
   * @param {{everyMs: number, publisherOf: (i: number) => number, isOver: (dueMs: number) => boolean}} clock
   */
  async byTheClock({ everyMs, publisherOf, isOver }) {
    const startMs = nowMs();
    for (let i = 0; ; i++) {
      const dueMs = startMs + i * everyMs;
      const waitMs = dueMs - nowMs();
      if (waitMs > 0) await sleep(waitMs);
      if (isOver(dueMs) || this.#isClosed) return;
      void this.publish(publisherOf(i));
    }
  }

  /** Waits until all is accepted. */
  async settled() {
    while (this.open > 0) await sleep(2);
  }

  /** How many are accepted. */
  get accepted() {
    return this.published.reduce((sum, { sentMs }) => sum + sentMs.length, 0) - this.open;
  }

  /** The last accepted number of each publisher. @returns {Map<number, number>} */
  get lastOf() {
    const last = this.published.map(({ p, isAccepted }) => [p, isAccepted.lastIndexOf(true)]);
    return new Map(last.filter(([, n]) => n >= 0));
  }

  close() {
    this.#isClosed = true;
    clearInterval(this.#watch);
    for (const { connection } of this.#lanes) connection?.close();
  }

  #look() {
    for (const lane of this.#lanes)
      if (lane.sinceMs > 0 && nowMs() - lane.sinceMs > ANSWER_MS)
        this.#refused(lane, `no answer in ${ANSWER_MS} ms`, 0);
  }

  #request(path, p, n) {
    const { port, publish, messages, isRetrying } = this.#options;
    const micros = Math.round(this.published[p].sentMs[n] * 1000);
    const rest = `${messages.text(p, n, micros)}${isRetrying ? `,"idempotencyKey":"${p}-${n}"` : ''}`;
    const body = `{"${publish.path}":"${path}","${publish.message}":${rest}}`;
    return (
      `POST ${publish.url} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${publish.header}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    );
  }

  #send(lane) {
    if (this.#isClosed) return;
    const job = lane.queue[0];
    const { p, n } = job;
    const published = this.published[p];
    if (lane.connection === null || lane.connection.isClosed)
      lane.connection = new KeepAlive(this.#options.port);
    const request = this.#request(published.path, p, n);
    lane.sinceMs = nowMs();
    if (job.attempts++ > 0) published.isRetried[n] = true;
    lane.connection.request(request, (failure, status, body) => {
      if (failure !== null || status < 200 || status > 299)
        return this.#refused(lane, failure?.message ?? `status ${status} ${body}`, status);
      lane.sinceMs = 0;
      published.isAccepted[n] = true;
      published.positions[n] = positionIn(body);
      this.open--;
      lane.queue.shift();
      job.resolve(undefined);
      // Who waited for this may have published meanwhile, which sends only where nothing was queued.
      if (lane.queue.length > 0) this.#send(lane);
    });
  }

  /** @param {number} status 0 without an answer */
  #refused(lane, why, status) {
    const { p, n } = lane.queue[0];
    lane.sinceMs = 0;
    lane.connection?.close();
    const mayPass = status === 0 || status >= 500;
    if (!this.#options.isRetrying || !mayPass) {
      this.close();
      return this.#options.onFault(new Fault('refused', `update ${n} of publisher ${p}: ${why}`));
    }
    setTimeout(() => this.#send(lane), RETRY_MS);
  }
}

/** The position in an answer; null where the system has none. */
function positionIn(body) {
  return body.startsWith('{') ? (JSON.parse(body).position ?? null) : null;
}
