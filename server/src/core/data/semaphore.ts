/**
 * A semaphore: so many tasks run at a time, the others wait in the order in which they came. Waiting tasks are bounded in number and in
 * weight; one leaves the queue when its signal aborts.
 */
import { ByteBudget } from './byte-budget.js';
import { LinkedMap } from './linked-map.js';

/** The bounds of a semaphore. */
export interface SemaphoreBounds {
  readonly maxRunning: number;
  /** Tasks that may wait; by default any number. */
  readonly maxWaiting?: number;
  /** What all waiting tasks may weigh; by default any weight. */
  readonly maxWeight?: number;
}

/** How a task waits. */
export interface WaitOptions {
  /** What it holds, by default nothing. */
  readonly weight?: number;
  /** Takes it out of the queue. */
  readonly signal?: AbortSignal;
}

/** How a task is run. */
export interface RunOptions extends WaitOptions {
  /** Asked when its turn comes; by default it is wanted. */
  readonly isWanted?: () => boolean;
}

/** Bounds what runs and what waits. */
export class Semaphore {
  readonly #maxWaiting: number;
  readonly #weight: ByteBudget;
  readonly #waiting = new LinkedMap<() => void, true>();
  #free: number;

  constructor({
    maxRunning,
    maxWaiting = Number.POSITIVE_INFINITY,
    maxWeight = Number.POSITIVE_INFINITY,
  }: SemaphoreBounds) {
    this.#free = maxRunning;
    this.#maxWaiting = maxWaiting;
    this.#weight = new ByteBudget(maxWeight);
  }

  /** Resolves with true when the caller may run, and must `release`; with false when there is no room to wait or the signal aborted. */
  async acquire({ weight = 0, signal }: WaitOptions = {}): Promise<boolean> {
    if (signal?.aborted === true) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    if (this.#waiting.size >= this.#maxWaiting || !this.#weight.take(weight)) return false;
    const isAcquired = await new Promise<boolean>((resolve) => {
      const done = (result: boolean): void => {
        this.#waiting.delete(enter);
        signal?.removeEventListener('abort', abort);
        resolve(result);
      };
      const enter = (): void => done(true);
      const abort = (): void => done(false);
      this.#waiting.set(enter, true);
      signal?.addEventListener('abort', abort);
    });
    this.#weight.release(weight);
    return isAcquired;
  }

  /** Lets the next task run. It gets the place before any task that comes later. */
  release(): void {
    const next = this.#waiting.oldest?.[0];
    if (next === undefined) this.#free++;
    else next();
  }

  /** Runs `task` when its turn comes. Returns its result, or null when it did not run. */
  async run<T>(task: () => Promise<T>, { isWanted, ...wait }: RunOptions = {}): Promise<T | null> {
    if (!(await this.acquire(wait))) return null;
    try {
      return isWanted?.() === false ? null : await task();
    } finally {
      this.release();
    }
  }
}
