/**
 * A client that comes back: after every end of its connection that was not its own doing it waits, exponentially and with full jitter, and
 * connects again. All systems are given the same waits; what a client says and remembers is its dialect's. It reads every message.
 */
import { Connection } from './connection.mjs';
import { FrameReader } from './frames.mjs';
import { Hearing } from './hearing.mjs';
import { nowMs } from './usage.mjs';

const BASE_MS = 500;
const MAX_MS = 20_000;
const MAX_ODDITIES = 3;
/** A client that goes before it is back, or is back for a moment, says nothing about the server. */
const LEAST_ONLINE_MS = 250;

export class ReturningClient extends Connection {
  hearing;
  /** When each update came, by publisher and number. @type {Map<number, number[]>} */
  times;
  /** When it was subscribed; the last one is open while `to` is Infinity. @type {import('./verdict.mjs').Span[]} */
  spans = [];
  /** How often connections ended with which code. @type {Record<string, number>} */
  endings = {};
  /** When it got a session that was not the one before. @type {number[]} */
  sessions = [];
  /** What a sound server would not have said. @type {string[]} */
  oddities = [];
  #askBackEnd;
  #frames = this.#readerOfFrames();
  #timer;
  #connectMs = 0;
  #failures = 0;
  #isPaused = false;
  /** When the bytes were read that are being handled. */
  #atMs = 0;

  /**
   * @param {import('./connection.mjs').ConnectionOptions} options
   * @param {import('./message.mjs').Messages} messages
   * @param {ReadonlyMap<number, string>} pathOf the paths of the publishers that it is to hear
   * @param {(asked: {id: string, paths: string[]}) => void} askBackEnd
   */
  constructor(options, messages, pathOf, askBackEnd) {
    super(options);
    this.#askBackEnd = askBackEnd;
    this.times = new Map(Array.from(pathOf.keys(), (p) => [p, []]));
    this.hearing = new Hearing(messages, pathOf, ({ p, n }, atMs) => {
      this.times.get(p)[n] = atMs;
    });
  }

  connect() {
    clearTimeout(this.#timer);
    this.#connectMs = nowMs();
    this.#frames = this.#readerOfFrames();
    super.connect();
    if (this.#isPaused) super.pause();
  }

  read(bytes, length) {
    this.#atMs = nowMs();
    this.#frames.feed(bytes, length);
  }

  pause() {
    this.#isPaused = true;
    super.pause();
  }

  resume() {
    this.#isPaused = false;
    super.resume();
  }

  /** Goes at each of these times, in rising order, without a close frame; comes back `offMs` later. */
  suffer([fromMs, ...timesMs], offMs) {
    if (fromMs === undefined) return;
    setTimeout(() => {
      clearTimeout(this.#timer);
      this.destroy();
      this.#closeSpan();
      const backMs = fromMs + offMs - nowMs();
      setTimeout(() => {
        this.connect();
        this.suffer(timesMs, offMs);
      }, backMs);
    }, fromMs - nowMs());
  }

  /** Adds what it heard to a verdict. @param {import('./verdict.mjs').Verdict} verdict @param {import('./publishers.mjs').Published[]} published @param {number[]} edges */
  judge(verdict, published, edges) {
    const own = Array.from(this.times.keys(), (p) => published[p]);
    verdict.judge(this, own, edges);
  }

  onReady() {
    if (this.isReady) return;
    super.onReady();
    this.#failures = 0;
    this.spans.push({ connectMs: this.#connectMs, from: nowMs(), to: Number.POSITIVE_INFINITY });
  }

  onSession(isNew) {
    if (isNew) this.sessions.push(nowMs());
  }

  onUpdate(update) {
    this.hearing.take(update, this.#atMs);
  }

  onGap(gap) {
    this.hearing.gap(gap);
  }

  onAsk(id, paths) {
    this.#askBackEnd({ id, paths });
  }

  onOddity(why) {
    if (this.oddities.length < MAX_ODDITIES) this.oddities.push(why);
  }

  onEnd(code, _why) {
    this.endings[code] = (this.endings[code] ?? 0) + 1;
    this.#closeSpan();
    const { isFinal, leastMs } = this.dialect.ended(code);
    if (isFinal) return;
    const window = Math.min(MAX_MS, BASE_MS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.connect(), Math.max(leastMs, Math.random() * window));
  }

  #readerOfFrames() {
    return new FrameReader((bytes, frame) => this.hear(bytes, frame));
  }

  #closeSpan() {
    if (this.isReady) this.spans.at(-1).to = nowMs();
    this.isReady = false;
  }
}

/**
 * The times at which one client goes, so that it is back by `untilMs`: the same in every run. Times online have no memory (exponential), as
 * connections break by themselves: with fixed ones a server that serves in the order of connecting would reach the next to go first.
 * @param {number} index of the client
 * @param {{startMs: number, everyMs: number, offMs: number, untilMs: number}} outages where `everyMs` is the mean time from one to the next
 * @returns {number[]} in rising order
 */
export function outageTimes(index, { startMs, everyMs, offMs, untilMs }) {
  const times = [];
  let fromMs = startMs;
  for (let n = 0; ; n++) {
    fromMs += LEAST_ONLINE_MS - Math.log(1 - evenly(index, n)) * (everyMs - offMs - LEAST_ONLINE_MS);
    if (fromMs + offMs > untilMs) return times;
    times.push(fromMs);
    fromMs += offMs;
  }
}

/** Evenly spread in [0, 1): the final mix of MurmurHash3. */
function evenly(index, n) {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
