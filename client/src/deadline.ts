/** Bounds in time for what Pomona waits for. */
import type { Clock } from './clock.js';

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
