/** Thrown by a handler to refuse a command with a message for its caller. */
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
