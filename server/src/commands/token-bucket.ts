/** A token bucket: bounds the commands of a session per second, with a burst of one second's size. */
import type { Clock } from '../core/time/clock.js';

export class TokenBucket {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #left: number;
  #at: number;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = perSecond;
    this.#at = clock.monotonic();
  }

  /** Takes one token; returns false when the bucket is empty. */
  take(): boolean {
    const now = this.#clock.monotonic();
    const filled = this.#left + ((now - this.#at) / 1000) * this.#perSecond;
    this.#at = now;
    this.#left = Math.min(filled, this.#perSecond);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
