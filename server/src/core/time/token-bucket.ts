/** A token bucket (a rate limit that allows bursts). */
import type { Clock } from './clock.js';

/** Bounds what happens per second, with a burst of one second's size. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #left: number;
  #filledAt: number;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = perSecond;
    this.#filledAt = clock.monotonic();
  }

  /** Takes one token; returns false when fewer than `reserved` would be left. */
  take(reserved = 0): boolean {
    const now = this.#clock.monotonic();
    const filled = this.#left + ((now - this.#filledAt) / 1_000) * this.#perSecond;
    this.#filledAt = now;
    this.#left = Math.min(filled, this.#perSecond);
    if (this.#left - reserved < 1) return false;
    this.#left--;
    return true;
  }
}
