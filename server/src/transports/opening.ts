/** Opens a connection by a decoded first frame, for every transport alike. */
import { CLOSE_CODES, type ErrorBody, errorBody } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame } from '../../../protocol/frames.js';
import { PROTOCOL_VERSION } from '../../../protocol/limits.js';
import { type MaybePromise, mapAnswer } from '../core/data/maybe-promise.js';
import { type Carrier, closingFrame } from '../core/session/connection.js';
import type { Session, SessionConnection } from '../core/session/session.js';
import type { HandshakeRequest } from '../core/sessions/authenticator.js';
import type { OpenOutcome } from '../core/sessions/handshake.js';
import type { Decoded } from './decode.js';
import type { TransportOptions } from './transport-options.js';

/** A refused connection: the error and the closing frame. */
export interface Refused {
  readonly error: ErrorBody;
  readonly closing: ClosingFrame;
}

/** An open connection, or its refusal. */
export type Opened = { readonly session: Session; readonly connection: SessionConnection } | Refused;

/** When a client may come back for whose socket there is no room, in milliseconds. */
const FULL_PAUSE_MS = 5_000;

/** Opens a session over `carrier`, or returns why not: at once, or after the authentication. */
export function opening(
  options: TransportOptions,
  decoded: Decoded<OpenFrame>,
  carrier: Carrier,
  coming?: HandshakeRequest,
): MaybePromise<Opened> {
  return mapAnswer<OpenOutcome, Opened>(outcomeOf(options, decoded, carrier, coming), (outcome) => {
    if (!('error' in outcome)) return outcome;
    const { error, close, ...more } = outcome;
    const { transport, address } = carrier;
    options.log.debug({ transport, address, code: error.code }, 'a connection was refused');
    return { error, closing: closingFrame(close, { error: error.code, ...more }) };
  });
}

function outcomeOf(
  { sockets, sessions }: TransportOptions,
  decoded: Decoded<OpenFrame>,
  carrier: Carrier,
  coming?: HandshakeRequest,
): MaybePromise<OpenOutcome> {
  if ('error' in decoded) return { error: decoded.error, close: 'open_refused' };
  if (decoded.value.protocol !== PROTOCOL_VERSION)
    return { error: errorBody('unsupported_protocol', { field: 'protocol' }), close: 'open_refused' };
  if (!sockets.hasRoom)
    return { error: errorBody('too_many_connections'), close: 'busy', reconnectAfterMs: FULL_PAUSE_MS };
  return sessions.open(decoded.value, carrier, coming);
}

/** Returns the refusal of a connection that ended before its transport had begun. */
export function refusalOf(closing: ClosingFrame): Refused {
  const code = closing.error ?? (closing.code === CLOSE_CODES.taken_over ? 'taken_over' : 'internal');
  return { error: errorBody(code, { message: closing.message }), closing };
}
