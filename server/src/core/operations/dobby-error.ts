/** The one error of everything that can be asked of a server: by its API, a program that embeds it, a module or a gateway. */
import { type ErrorBody, type ErrorCode, errorBody, type Outcome } from '../../../../protocol/codes.js';

/** An operation was refused or failed; nothing of it took effect. `body` travels as the answer. */
export class DobbyError extends Error {
  override readonly name = 'DobbyError';
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(`${body.code}: ${body.message}`);
    this.body = body;
  }

  /** Its code in the protocol's table of errors. */
  get code(): ErrorCode {
    return this.body.code;
  }

  /** The field at fault, as a dotted path; undefined where there is none. */
  get field(): string | undefined {
    return this.body.field;
  }
}

/** Returns the error of a code, with a message of its own where the table's says too little. */
export function dobbyError(code: ErrorCode, more: { message?: string; field?: string } = {}): DobbyError {
  return new DobbyError(errorBody(code, more));
}

/** Returns the value of an outcome. @throws DobbyError */
export function orThrow<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw new DobbyError(outcome.error);
  return outcome.value;
}
