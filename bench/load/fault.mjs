/** What ends a run: a fault, or a deadline that has passed. */

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

/** Returns the fault of another process. */
export function faultFrom({ kind, message }) {
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
