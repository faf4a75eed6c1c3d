/** Time as Pomona sees it, so that tests can turn the clock. Each timer is cleared by what has set it. */

/** A source of time and timers. */
export interface Clock {
  /** Milliseconds since some fixed moment. It only rises: setting the clock of the machine does not change it. */
  now(): number;
  /** Runs `run` once after `ms` milliseconds; returns what `clearTimeout` takes. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Forgets a timer. */
  clearTimeout(timer: unknown): void;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
