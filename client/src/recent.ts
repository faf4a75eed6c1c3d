/** Remembers keys for a while, and no more than so many of them: the oldest is forgotten first. */
import type { Clock } from './clock.js';

const MAX_KEYS = 1_000;

/** Keys of the last so many milliseconds. */
export class Recent {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Remembers `key` from now on. */
  add(key: string): void {
    const now = this.#clock.now();
    this.#until.delete(key); // so that the map stays in the order of time
    this.#until.set(key, now + this.#ms);
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size <= MAX_KEYS) break;
      this.#until.delete(oldest);
    }
  }

  /** Whether `key` was added a short while ago. */
  has(key: string): boolean {
    return (this.#until.get(key) ?? 0) > this.#clock.now();
  }

  /** Forgets `key`; says whether it was remembered. */
  take(key: string): boolean {
    const isRecent = this.has(key);
    this.#until.delete(key);
    return isRecent;
  }

  /** Forgets all. */
  clear(): void {
    this.#until.clear();
  }
}
