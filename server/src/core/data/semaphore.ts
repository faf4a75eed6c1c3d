/**
 * A semaphore with a FIFO queue. Waiting tasks are bounded in number and in weight; a task leaves the queue when its
 * signal aborts.
 */
import { ByteBudget } from './byte-budget.js';
import { LinkedMap } from './linked-map.js';

/** The bounds of a semaphore. */
export interface SemaphoreBounds {
  readonly maxRunning: number;
  /** Waiting tasks; by default unbounded. */
  readonly maxWaiting?: number;
  /** The weight of all waiting tasks; by default unbounded. */
  readonly maxWeight?: number;
}

/** How a task waits. */
export interface WaitOptions {
  /** The task's weight, by default 0. */
  readonly weight?: number;
  /** Removes the task from the queue. */
  readonly signal?: AbortSignal;
}

/** How a task is run. */
export interface RunOptions extends WaitOptions {
  /** Returns whether to run the task when its turn comes; by default true. */
  readonly isWanted?: () => boolean;
}

/** Bounds running and waiting tasks. */
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

  /** Resolves to true when the caller may run and must `release`, to false when the queue is full or on abort. */
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

  /** Passes the place on to the next waiting task, or frees it. */
  release(): void {
    const next = this.#waiting.oldest?.[0];
    if (next === undefined) this.#free++;
    else next();
  }

  /** Runs `task` when its turn comes; resolves to its result, or to null when it did not run. */
  async run<T>(task: () => Promise<T>, { isWanted, ...wait }: RunOptions = {}): Promise<T | null> {
    if (!(await this.acquire(wait))) return null;
    try {
      return isWanted?.() === false ? null : await task();
    } finally {
      this.release();
    }
  }
}
