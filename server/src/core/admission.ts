/**
 * How many connections may be opened in a second: a bucket of tokens, one second's worth, and a line behind it. Whoever finds
 * the bucket empty is told when to come back, each a later time than the one before, so that a stampede comes back as
 * a stream and the sessions that are open go on being served.
 */
import type { Clock } from './clock.js';

/** Nobody is asked to come back sooner: by then the bucket has filled again. */
const LEAST_MS = 1_000;
/** Nobody is asked to wait longer; tickets last as long. */
const MOST_MS = 5 * 60 * 1000;

/** Admits connections. */
export class Admission {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;
  /** When the last one in the line was told to come back. */
  #lineEndsAt = 0;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAt = clock.monotonic();
  }

  /** 0 when a connection may be opened now; else after how many milliseconds its client is to come back. */
  admit(): number {
    const now = this.#clock.monotonic();
    const filled = this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(filled, this.#perSecond);
    this.#filledAt = now;
    if (this.#tokens >= 1) {
      this.#tokens--;
      return 0;
    }
    return Math.ceil(this.place());
  }

  /** When the last one in the line will be back, in milliseconds from now; 0 without a line. */
  get lineMs(): number {
    return Math.max(0, this.#lineEndsAt - this.#clock.monotonic());
  }

  /** The next place in the line, in milliseconds from now: not before `leastMs`, and `stepMs` after the place before. */
  place(leastMs = LEAST_MS, stepMs = 1_000 / this.#perSecond): number {
    const now = this.#clock.monotonic();
    const behind = Math.max(this.#lineEndsAt, now + leastMs) + stepMs;
    this.#lineEndsAt = Math.min(behind, now + MOST_MS);
    return this.#lineEndsAt - now;
  }
}
