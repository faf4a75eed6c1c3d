/** What a program that embeds a server is told when something cannot be done. */
import { type ErrorBody, errorBody, type Outcome } from '../../protocol/codes.js';
import { pathFault } from '../../protocol/paths.js';

/** A server could not be asked for what it was asked for; `body` says why, by a code of the protocol. */
export class DobbyError extends Error {
  override readonly name = 'DobbyError';
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(`${body.code}: ${body.message}`);
    this.body = body;
  }
}

/** The path, if it is one. @throws DobbyError */
export function checkedPath(path: string): string {
  const wrong = pathFault(path);
  if (wrong !== null) throw new DobbyError(errorBody(wrong));
  return path;
}

/** The value of an outcome. @throws DobbyError */
export function orThrow<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw new DobbyError(outcome.error);
  return outcome.value;
}
