/**
 * A client that comes back: after every end of its connection that was not its own doing it waits, exponentially and with full jitter,
 * and connects again. What it says and remembers is its speaker's. All systems are given the same waits.
 */
import { nowMs } from './clock.mjs';
import { TextSocket } from './text-socket.mjs';

const BASE_MS = 500;
const MAX_MS = 20_000;

/**
 * What one system's client says and remembers across connections; one of ./speakers.
 * @typedef {object} Speaker
 * @property {() => {url: string, headers?: string[]}} request how the next connection is asked for
 * @property {(send: (text: string) => void) => void} opened the WebSocket is open
 * @property {(text: string, send: (text: string) => void) => void} hear
 * @property {(code: number) => {isFinal: boolean, leastMs: number}} ended whether to stay away, and how long at least
 */

/**
 * @typedef {object} ReturningClientOptions
 * @property {number} port
 * @property {() => number} random in [0, 1)
 * @property {() => void} [onReady] its subscriptions are made, on every connection anew
 */

export class ReturningClient {
  /** When it was subscribed; the last one is open while `to` is Infinity. @type {import('./judge.mjs').Span[]} */
  spans = [];
  /** How often connections ended with which code. @type {Map<number, number>} */
  endings = new Map();
  /** When the bytes were read that are being handled. */
  atMs = 0;
  /** The server said not to come back. */
  isDismissed = false;
  /** @type {Speaker} */
  speaker;
  #options;
  /** @type {TextSocket | null} */
  #socket = null;
  #timer;
  #connectMs = 0;
  #failures = 0;
  #isPaused = false;

  /** @param {ReturningClientOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get isReady() {
    return this.spans.at(-1)?.to === Number.POSITIVE_INFINITY;
  }

  /** Connects now. */
  connect() {
    clearTimeout(this.#timer);
    this.#connectMs = nowMs();
    const { speaker } = this;
    const send = (text) => this.#socket?.send(text);
    this.#socket = new TextSocket({
      port: this.#options.port,
      ...speaker.request(),
      onOpen: () => speaker.opened(send),
      onText: (text, atMs) => {
        this.atMs = atMs;
        speaker.hear(text, send);
      },
      onEnd: (code) => this.#ended(code),
    });
    if (this.#isPaused) this.#socket.pause();
  }

  /** Its speaker says that all subscriptions of this connection are made. */
  ready() {
    if (this.isReady) return;
    this.#failures = 0;
    this.spans.push({ connectMs: this.#connectMs, from: nowMs(), to: Number.POSITIVE_INFINITY });
    this.#options.onReady?.();
  }

  /** Goes without a word, and stays away until `connect`. */
  drop() {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#closeSpan();
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

  #ended(code) {
    this.endings.set(code, (this.endings.get(code) ?? 0) + 1);
    this.#closeSpan();
    const { isFinal, leastMs } = this.speaker.ended(code);
    this.isDismissed = isFinal;
    if (isFinal) return;
    const window = Math.min(MAX_MS, BASE_MS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.connect(), Math.max(leastMs, this.#options.random() * window));
  }

  #closeSpan() {
    const span = this.spans.at(-1);
    if (span?.to === Number.POSITIVE_INFINITY) span.to = nowMs();
  }
}
