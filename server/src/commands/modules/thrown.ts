/** Describes thrown values for the log: they may be anything, and reading them must not throw again. */
import { inspect } from 'node:util';

/** Returns the stack of an error, and a description of any other value. */
export function describeThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : inspect(thrown);
  } catch {
    return 'something that cannot be shown';
  }
}
