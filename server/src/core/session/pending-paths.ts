/**
 * Paths of one session that wait for the back end's `connect`, each for `grantWaitMs`. One timer serves all of them,
 * and overdue paths are reported together.
 */
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { Clock } from '../time/clock.js';
import type { TimerWheel, WheelTimer } from '../time/timer-wheel.js';

/** A waiting path. */
export interface PendingPath {
  /** The client's request. */
  readonly item: SubscribeItem;
  /** When it is overdue, on the monotonic clock. */
  readonly until: number;
}

/** Options of `PendingPaths`. */
export interface PendingPathsOptions {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** How long a path waits, in milliseconds. */
  readonly grantWaitMs: number;
  /** Called with the change of the number of waiting paths. */
  readonly onWaiting: (change: number) => void;
}

export class PendingPaths {
  readonly #options: PendingPathsOptions;
  readonly #onOverdue: (paths: readonly string[]) => void;
  #paths: Map<string, PendingPath> | null = null;
  #timer: WheelTimer | null = null;

  /** Calls `onOverdue` with all paths whose time is over. */
  constructor(options: PendingPathsOptions, onOverdue: (paths: readonly string[]) => void) {
    this.#options = options;
    this.#onOverdue = onOverdue;
  }

  /** Returns the number of waiting paths. */
  get size(): number {
    return this.#paths?.size ?? 0;
  }

  /** Returns a copy of the waiting paths. */
  get paths(): string[] {
    return [...(this.#paths?.keys() ?? [])];
  }

  /** Returns whether a path waits. */
  has(path: string): boolean {
    return this.#paths?.has(path) === true;
  }

  /** Lets a path wait; for a waiting path the time begins again. */
  add(item: SubscribeItem): void {
    const { path } = item;
    const { wheel, clock, grantWaitMs } = this.#options;
    this.#paths ??= new Map();
    if (!this.#paths.has(path)) this.#options.onWaiting(1);
    this.#paths.set(path, { item, until: clock.monotonic() + grantWaitMs });
    this.#timer ??= wheel.after(grantWaitMs, () => this.#tellOverdue());
  }

  /** Removes a path; returns undefined if it does not wait. */
  take(path: string): PendingPath | undefined {
    const pending = this.#paths?.get(path);
    this.#drop(path);
    return pending;
  }

  /** Removes all paths without reporting them. */
  clear(): void {
    this.#options.onWaiting(-this.size);
    this.#paths = null;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #drop(path: string): void {
    if (this.#paths?.delete(path)) this.#options.onWaiting(-1);
  }

  #tellOverdue(): void {
    this.#timer = null;
    const now = this.#options.clock.monotonic();
    const waiting = [...(this.#paths ?? [])];
    const overdue = waiting.filter(([, { until }]) => until <= now).map(([path]) => path);
    for (const path of overdue) this.#drop(path);
    const next = Math.min(...waiting.map(([, { until }]) => until).filter((until) => until > now));
    if (Number.isFinite(next)) this.#timer = this.#options.wheel.after(next - now, () => this.#tellOverdue());
    if (overdue.length > 0) this.#onOverdue(overdue);
  }
}
