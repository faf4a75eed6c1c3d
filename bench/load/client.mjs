/**
 * One client of a crowd, which comes back: after every end of its connection that was not its own doing it waits, exponentially and with full
 * jitter, and connects again. All systems are given the same waits; what a client says and remembers is its dialect's.
 */
import { DIALECTS } from './dialects.mjs';
import { FrameReader } from './frames.mjs';
import { Hearing } from './hearing.mjs';
import { Socket } from './socket.mjs';
import { nowMs } from './usage.mjs';

const BASE_MS = 500;
const MAX_MS = 20_000;
const MAX_ODDITIES = 3;

export class Client {
  /** When it was subscribed; the last one is open while `to` is Infinity. @type {import('./judge.mjs').Span[]} */
  spans = [];
  /** How often connections ended with which code. @type {Record<string, number>} */
  endings = {};
  /** When it got a session that was not the one before. @type {number[]} */
  sessions = [];
  /** What a sound server would not have said. @type {string[]} */
  oddities = [];
  hearing;
  #publishers;
  #options;
  #dialect;
  /** @type {Socket | null} */
  #socket = null;
  #timer;
  #connectMs = 0;
  #failures = 0;
  #isPaused = false;
  /** When the bytes were read that are being handled. */
  #atMs = 0;
  #onOpened;

  /**
   * @param {object} options
   * @param {number} options.port
   * @param {string} options.dialect
   * @param {Buffer} options.buffer shared by all
   * @param {import('./message.mjs').Messages} options.messages
   * @param {ReadonlyMap<number, string>} options.pathOf the paths of the publishers that it is to hear
   * @param {(id: string, paths: string[]) => void} options.onAsk
   */
  constructor(options) {
    const { dialect, messages, pathOf, onAsk } = options;
    this.#options = options;
    this.#publishers = [...pathOf.keys()];
    this.hearing = new Hearing(messages, pathOf);
    this.#dialect = new DIALECTS[dialect]([...new Set(pathOf.values())], {
      onUpdate: (update) => this.hearing.take(update, this.#atMs),
      onGap: (gap) => this.hearing.gaps.push(gap),
      onReady: () => this.#ready(),
      onSession: (isNew) => isNew && this.sessions.push(nowMs()),
      onAsk,
      onOddity: (why) => this.oddities.push(why) > MAX_ODDITIES && this.oddities.pop(),
    });
  }

  get isReady() {
    return this.spans.at(-1)?.to === Number.POSITIVE_INFINITY;
  }

  /** Connects for the first time; resolves when it is subscribed. */
  open() {
    return new Promise((resolve) => {
      this.#onOpened = resolve;
      this.#connect();
    });
  }

  /** Goes at each of these times, in rising order, without a word; comes back `offMs` later. */
  suffer([fromMs, ...timesMs], offMs) {
    if (fromMs === undefined) return;
    setTimeout(() => {
      this.#drop();
      const backMs = fromMs + offMs - nowMs();
      setTimeout(() => {
        this.#connect();
        this.suffer(timesMs, offMs);
      }, backMs);
    }, fromMs - nowMs());
  }

  /** Reads nothing until `resume`; the connection stays. */
  pause() {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume() {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  /** @param {import('./judge.mjs').Verdict} verdict @param {import('./publishers.mjs').Published[]} published @param {number[]} edges */
  judge(verdict, published, edges) {
    const own = this.#publishers.map((p) => published[p]);
    verdict.judge(this.hearing, own, this.spans, edges);
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#connectMs = nowMs();
    const send = (text) => socket.send(text);
    const onText = (text) => this.#dialect.hear(text, send);
    const reader = new FrameReader((bytes, frame) => socket.hear(bytes, frame, onText));
    const socket = new Socket({
      ...{ port: this.#options.port, buffer: this.#options.buffer, ...this.#dialect.request() },
      onOpen: () => this.#dialect.opened(send),
      onBytes: (bytes, length) => {
        this.#atMs = nowMs();
        reader.feed(bytes, length);
      },
      onEnd: (code) => this.#ended(code),
    });
    this.#socket = socket;
    if (this.#isPaused) socket.pause();
  }

  #ready() {
    if (this.isReady) return;
    this.#failures = 0;
    this.spans.push({ connectMs: this.#connectMs, from: nowMs(), to: Number.POSITIVE_INFINITY });
    this.#onOpened(undefined);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#closeSpan();
  }

  #ended(code) {
    this.endings[code] = (this.endings[code] ?? 0) + 1;
    this.#closeSpan();
    const { isFinal, leastMs } = this.#dialect.ended(code);
    if (isFinal) return;
    const window = Math.min(MAX_MS, BASE_MS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#connect(), Math.max(leastMs, Math.random() * window));
  }

  #closeSpan() {
    const span = this.spans.at(-1);
    if (span?.to === Number.POSITIVE_INFINITY) span.to = nowMs();
  }
}
