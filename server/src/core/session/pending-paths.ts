/**
 * The paths of one session that wait for the back end's word, each as its client asked for it and for a while only. One
 * timer serves them all, and what is overdue is told together.
 */
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { Clock } from '../time/clock.js';
import type { TimerWheel, WheelTimer } from '../time/timer-wheel.js';

/** A path that waits. */
export interface PendingPath {
  /** As its client asked for it. */
  readonly item: SubscribeItem;
  /** When it is overdue, on the monotonic clock. */
  readonly until: number;
}

/** What pending paths need of their surroundings. */
export interface PendingPathsOptions {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** How long a path waits. */
  readonly grantWaitMs: number;
  /** Counts the paths that wait. */
  readonly onWaiting: (change: number) => void;
}

/** The pending paths of a session. */
export class PendingPaths {
  readonly #options: PendingPathsOptions;
  readonly #onOverdue: (paths: readonly string[]) => void;
  #paths: Map<string, PendingPath> | null = null;
  #timer: WheelTimer | null = null;

  /** `onOverdue` is called with all paths that waited in vain. */
  constructor(options: PendingPathsOptions, onOverdue: (paths: readonly string[]) => void) {
    this.#options = options;
    this.#onOverdue = onOverdue;
  }

  /** Paths that wait. */
  get size(): number {
    return this.#paths?.size ?? 0;
  }

  /** The paths that wait, as they are now. */
  get paths(): string[] {
    return [...(this.#paths?.keys() ?? [])];
  }

  /** Whether a path waits. */
  has(path: string): boolean {
    return this.#paths?.has(path) === true;
  }

  /** Lets a path wait; one that waits already begins anew. */
  add(item: SubscribeItem): void {
    const { path } = item;
    const { wheel, clock, grantWaitMs } = this.#options;
    this.#paths ??= new Map();
    if (!this.#paths.has(path)) this.#options.onWaiting(1);
    this.#paths.set(path, { item, until: clock.monotonic() + grantWaitMs });
    this.#timer ??= wheel.after(grantWaitMs, () => this.#tellOverdue());
  }

  /** Ends the waiting of a path; undefined when it does not wait. */
  take(path: string): PendingPath | undefined {
    const pending = this.#paths?.get(path);
    this.#drop(path);
    return pending;
  }

  /** Ends all waiting; nobody is told. */
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
