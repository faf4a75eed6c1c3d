/** How many commands a session may give in a second: a bucket that fills evenly and holds those of one second. */
import type { Clock } from '../core/time/clock.js';

/** One session's allowance. */
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

  /** Takes one command off; false when there is none left. */
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
