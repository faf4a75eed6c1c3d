/** A clock that stands still until a test moves it. Everything due runs in order, inside `settle` and `advance`. */
import type { Cancel, Clock } from '../../src/core/time/clock.js';

interface Timer {
  readonly at: number;
  readonly task: () => void;
}

/** More turns than this at one moment mean that something never comes to rest. */
const MAX_TURNS = 100_000;

export class FakeClock implements Clock {
  #ms = 1_000;
  #timers: Timer[] = [];
  #soon: (() => void)[] = [];
  /** What else runs whenever this clock runs something. */
  background: () => void = () => undefined;

  now(): number {
    return 1_700_000_000_000 + Math.floor(this.#ms);
  }

  monotonic(): number {
    return this.#ms;
  }

  after(ms: number, task: () => void): Cancel {
    const timer = { at: this.#ms + ms, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /** Timers that wait; `soon` tasks are none. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Whether a task waits for the end of this turn. */
  get isBusy(): boolean {
    return this.#soon.length > 0;
  }

  /** Time passes while code runs: nothing fires meanwhile. */
  spend(ms: number): void {
    this.#ms += ms;
  }

  /** Ends this turn: runs what was asked for `soon`, but not what that asks for. */
  turn(): void {
    this.background();
    for (const task of this.#soon.splice(0)) task();
    this.background();
  }

  /** Runs the tasks of one name that were asked for `soon`. */
  runSoon(name: string): void {
    const due = this.#soon.filter((task) => task.name === name);
    this.#soon = this.#soon.filter((task) => task.name !== name);
    for (const task of due) task();
  }

  /** Runs all that is due now. */
  settle(): void {
    for (let turns = 0; ; turns++) {
      if (turns > MAX_TURNS) throw new Error('this never comes to rest');
      this.background();
      const due = this.#nextTimer(this.#ms);
      if (this.#soon.length > 0) this.turn();
      else if (due !== undefined) this.#fire(due);
      else return;
    }
  }

  /** Lets time pass and runs all that falls due, each at its time. */
  advance(ms: number): void {
    const end = this.#ms + ms;
    this.settle();
    for (let next = this.#nextTimer(end); next !== undefined; next = this.#nextTimer(end)) {
      this.#ms = Math.max(this.#ms, next.at);
      this.settle();
    }
    this.#ms = end;
    this.settle();
  }

  /**
   * Runs the one task that is due next, or the tasks of this turn, if they are due by `end` on the monotonic clock. Returns false when
   * nothing is: then it is `end`.
   */
  step(end: number): boolean {
    if (this.#soon.length > 0) {
      this.turn();
      return true;
    }
    const next = this.#nextTimer(end);
    this.#ms = Math.max(this.#ms, next?.at ?? end);
    if (next !== undefined) this.#fire(next);
    return next !== undefined;
  }

  #nextTimer(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }

  #fire(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    timer.task();
    this.background();
  }
}
