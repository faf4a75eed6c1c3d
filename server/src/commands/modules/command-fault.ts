/** What a module's wishes fail with. */
import type { ErrorBody } from '../../../../protocol/codes.js';

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
