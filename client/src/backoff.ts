/** Exponential waiting with full jitter: each wait is drawn from [0, window), the window doubles up to a cap. */

/** The bounds of waiting, in milliseconds. */
export interface BackoffOptions {
  /** The first window. */
  readonly baseMs: number;
  /** The largest window. */
  readonly maxMs: number;
  /** A source of numbers in [0, 1). */
  readonly random: () => number;
}

/** Counts failures and says how long to wait after each. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How long to wait now, in milliseconds; the next window is twice as wide. */
  next(): number {
    const { baseMs, maxMs, random } = this.#options;
    return random() * Math.min(maxMs, baseMs * 2 ** this.#failures++);
  }

  /** All is well again: the next wait is drawn from the first window. */
  reset(): void {
    this.#failures = 0;
  }
}
