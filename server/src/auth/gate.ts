/**
 * A semaphore: so many tasks run at a time, and others wait in the order of their coming, bounded in number and in what they hold. What
 * finds no room is turned away at once; what is not wanted any more when its turn comes is not run.
 */
import { ByteBudget } from '../core/data/byte-budget.js';
import { LinkedMap } from '../core/data/linked-map.js';

/** The bounds of a gate. */
export interface GateBounds {
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** What all that waits may weigh; by default there is no bound. */
  readonly maxWeight?: number;
}

/** A task that may have to wait. */
export interface Waiting {
  /** What it holds, by default nothing. */
  readonly weight?: number;
  /** Asked when its turn comes; by default it is wanted. */
  readonly isWanted?: () => boolean;
}

/** A bound on what is under way and on what waits. */
export class Gate {
  readonly #bounds: GateBounds;
  readonly #weight: ByteBudget;
  readonly #waiting = new LinkedMap<() => void, true>();
  #running = 0;

  constructor(bounds: GateBounds) {
    this.#bounds = bounds;
    this.#weight = new ByteBudget(bounds.maxWeight ?? Number.POSITIVE_INFINITY);
  }

  /** Runs `task` when there is room, and returns its result; null: it was turned away or not wanted any more, and did not run. */
  async pass<T>(task: () => Promise<T>, { weight = 0, isWanted }: Waiting = {}): Promise<T | null> {
    if (this.#running >= this.#bounds.maxRunning) {
      if (this.#waiting.size >= this.#bounds.maxWaiting || !this.#weight.take(weight)) return null;
      // A task that ends hands its place on, so that no task that comes then takes it first.
      await new Promise<void>((enter) => this.#waiting.set(enter, true));
      this.#weight.release(weight);
    } else this.#running++;
    try {
      return isWanted?.() === false ? null : await task();
    } finally {
      const next = this.#waiting.oldest?.[0];
      if (next === undefined) this.#running--;
      else {
        this.#waiting.delete(next);
        next();
      }
    }
  }
}
