/** What a module's wishes fail with. */
import type { ErrorBody, Outcome } from '../../../../protocol/codes.js';

/** What a module asked for cannot be done; `code` is one of the protocol's. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
  readonly code: ErrorBody['code'];
  readonly field: string | undefined;

  constructor({ code, message, field }: ErrorBody) {
    super(`${code}: ${message}`);
    this.code = code;
    this.field = field;
  }
}

/** The value, or what stands for there being none. @throws CommandFault */
export function orThrow<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw new CommandFault(outcome.error);
  return outcome.value;
}
