/** What ends a run: a fault, a deadline that passed, or the failure of something that runs beside what is awaited. */

/**
 * `kind` is one of `altered` (differs from what was published), `doubled`, `skipped` (something before it is missing, or the order
 * differs), `missing` (never came), `protocol` (not what the dialect allows), `closed`, `refused` (a publish), `late` (a deadline
 * passed), `unready` and `options` (before the run).
 */
export class Fault extends Error {
  /** @param {string} kind @param {string} message says what was expected and what came */
  constructor(kind, message) {
    super(`${kind}: ${message}`);
    this.name = 'Fault';
    this.kind = kind;
  }
}

/** Returns an error as text for another process. @param {unknown} error */
export function faultMessage(error) {
  if (error instanceof Fault) return { kind: error.kind, message: error.message };
  const message = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return { kind: 'failed', message };
}

/** Returns the fault that another process has told. */
export function faultTold({ kind, message }) {
  return Object.assign(new Fault(kind, ''), { message });
}

/** Waits for `promise` at most `ms`; `missing` says, when the deadline passes, what had not happened. */
export async function within(promise, ms, missing) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Fault('late', `after ${ms / 1000} s ${missing()}`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** What may fail at any time while something else is awaited. The first failure counts. */
export class Failure {
  #reject;
  #failed = new Promise((_, reject) => {
    this.#reject = reject;
  });

  constructor() {
    // Every wait races against it; between two waits a failure waits for the next one.
    this.#failed.catch(() => undefined);
  }

  /** Ends what is awaited, now or next. @param {unknown} error */
  fail(error) {
    this.#reject(error);
  }

  /** Waits for `promise`; rejects when something has failed. */
  during(promise) {
    return Promise.race([promise, this.#failed]);
  }
}
