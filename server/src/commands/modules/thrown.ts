/** What code of others threw, as text for the log: it may be anything, and telling of it must not throw again. */
import { inspect } from 'node:util';

/** Of an error its stack, of anything else what it looks like. */
export function describeThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : inspect(thrown);
  } catch {
    return 'something that cannot be shown';
  }
}
