/** Opens a connection by a decoded first frame, for every transport alike. */
import { CLOSE_CODES, type CloseName, type ErrorBody, errorBody } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame } from '../../../protocol/frames.js';
import { PROTOCOL_VERSION } from '../../../protocol/limits.js';
import { type Carrier, closingFrame } from '../core/session/connection.js';
import type { Session, SessionConnection } from '../core/session/session.js';
import type { HandshakeRequest } from '../core/sessions/authenticator.js';
import type { OpenOutcome } from '../core/sessions/handshake.js';

import type { Decoded } from './decode.js';
import type { TransportOptions } from './transport-options.js';

/** An open connection, or the error and the closing frame. */
export type Opened =
  | { readonly session: Session; readonly connection: SessionConnection }
  | { readonly error: ErrorBody; readonly closing: ClosingFrame };

/** When a client may come back for whose socket there is no room, in milliseconds. */
const FULL_PAUSE_MS = 5_000;

/** Opens a session over `carrier`, or returns why not: at once, or after the authentication. */
export function opening(
  options: TransportOptions,
  decoded: Decoded<OpenFrame>,
  carrier: Carrier,
  coming?: HandshakeRequest,
): Opened | Promise<Opened> {
  const logged = (opened: Opened): Opened => {
    if (!('error' in opened)) return opened;
    const { transport, address } = carrier;
    options.log.debug({ transport, address, code: opened.error.code }, 'a connection was refused');
    return opened;
  };
  const opened = openedBy(options, decoded, carrier, coming);
  return opened instanceof Promise ? opened.then(logged) : logged(opened);
}

function openedBy(
  options: TransportOptions,
  decoded: Decoded<OpenFrame>,
  carrier: Carrier,
  coming?: HandshakeRequest,
): Opened | Promise<Opened> {
  if ('error' in decoded) return refused(decoded.error, 'open_refused');
  if (decoded.value.protocol !== PROTOCOL_VERSION) {
    return refused(errorBody('unsupported_protocol', { field: 'protocol' }), 'open_refused');
  }
  if (!options.sockets.hasRoom)
    return refused(errorBody('too_many_connections'), 'busy', { reconnectAfterMs: FULL_PAUSE_MS });
  const outcome = options.sessions.open(decoded.value, carrier, coming);
  return outcome instanceof Promise ? outcome.then(told) : told(outcome);
}

function told(outcome: OpenOutcome): Opened {
  if (!('error' in outcome)) return outcome;
  const { error, close, reconnectAfterMs } = outcome;
  return refused(error, close, reconnectAfterMs === undefined ? {} : { reconnectAfterMs });
}

function refused(error: ErrorBody, close: CloseName, more: { reconnectAfterMs?: number } = {}): Opened {
  return { error, closing: closingFrame(close, { error: error.code, ...more }) };
}

/** Returns the refusal of a connection that ended before its transport had begun. */
export function refusalOf(closing: ClosingFrame): { error: ErrorBody; closing: ClosingFrame } {
  const code = closing.error ?? (closing.code === CLOSE_CODES.taken_over ? 'taken_over' : 'internal');
  return { error: errorBody(code, { message: closing.message }), closing };
}
