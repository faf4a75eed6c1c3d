/** What a handler throws to refuse a command: its caller is told, in its words. */
import type { Json } from '../../../../protocol/frames.js';

/** What a refusal may say beyond its message. */
export interface RefusedOptions {
  /** The handler's own code, for programs to decide by. */
  readonly reason?: string;
  /** Any JSON value. */
  readonly data?: Json;
}

/** Known by this and not by its class: a module may have loaded another copy of the package. */
const BRAND = Symbol.for('dobby.refused');

/** The command is refused. Whatever else a handler throws, its caller is told only that it failed. */
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

/** Whether something that was thrown is a refusal. */
export function isRefused(thrown: unknown): thrown is Refused {
  return typeof thrown === 'object' && thrown !== null && (thrown as { [BRAND]?: unknown })[BRAND] === true;
}
