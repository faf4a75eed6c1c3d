/** What handlers throw: refusals, which their callers learn, and all else, which is for the log. */
import { inspect } from 'node:util';
import type { Json } from '../../../../protocol/frames.js';

/** Options of `Refused`. */
export interface RefusedOptions {
  /** The handler's own code, for programs to decide by. */
  readonly reason?: string;
  /** Any JSON value. */
  readonly data?: Json;
}

/** Identifies a refusal, since a module may have loaded another copy of this class. */
const BRAND = Symbol.for('dobby.refused');

/** Refuses a command. For any other thrown value the caller learns only that the handler failed. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: string | undefined;
  readonly data: Json | undefined;
  readonly [BRAND] = true;

  constructor(message: string, { reason, data }: RefusedOptions = {}) {
    super(message);
    this.reason = reason;
    this.data = data;
  }
}

/** Returns whether a thrown value is a refusal. */
export function isRefused(thrown: unknown): thrown is Refused {
  return typeof thrown === 'object' && thrown !== null && (thrown as { [BRAND]?: unknown })[BRAND] === true;
}

/** Returns the stack of an error, and a description of any other value. Never throws, whatever the value does when it is read. */
export function describeThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : inspect(thrown);
  } catch {
    return 'something that cannot be shown';
  }
}
