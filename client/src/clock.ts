/** Time as Pomona sees it, so that tests can turn the clock, and bounds in time. Each timer is cleared by what has set it. */

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

/** What a wait is bounded by. */
export interface Deadline {
  readonly clock: Clock;
  /** Ends the wait early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | null | undefined;
  readonly ms: number;
}

/** Waits for `ms`, or until `signal` aborts. */
export async function pause(deadline: Deadline): Promise<void> {
  await within(deadline, () => new Promise<never>(() => undefined)).catch(() => undefined);
}

/**
 * Runs `run` with a signal that aborts after `ms`, or with `signal`. Rejects then, even if `run` does not heed its signal. Leaves no timer
 * and no listener behind.
 */
export async function within<T>(
  { clock, signal, ms }: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(signal?.reason);
  const timer = clock.setTimeout(() => abort.abort(new Error('No answer in time')), ms);
  signal?.addEventListener('abort', stop);
  try {
    return await new Promise<T>((resolve, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason));
      if (signal?.aborted) stop();
      run(abort.signal).then(resolve, reject);
    });
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
