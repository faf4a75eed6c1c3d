/** The opening of a connection by a decoded first frame, for every transport alike. */
import { ERRORS, type ErrorBody } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame } from '../../../protocol/frames.js';
import { PROTOCOL_VERSION } from '../../../protocol/limits.js';
import { type Carrier, type Connection, closingFrame } from '../core/connection.js';
import type { Session } from '../core/session.js';
import type { Decoded } from './decode.js';
import type { TransportParts } from './transport-parts.js';

/** An open connection, or what to tell the client and how to close. */
export type Opening =
  | { readonly session: Session; readonly connection: Connection }
  | { readonly error: ErrorBody; readonly closing: ClosingFrame };

/** Opens a session over `carrier`, or says why not. */
export function opening(parts: TransportParts, decoded: Decoded<OpenFrame>, carrier: Carrier): Opening {
  if ('error' in decoded) return refused(decoded.error, 'open_refused');
  if (decoded.value.protocol !== PROTOCOL_VERSION) {
    return refused(errorOf('unsupported_protocol', 'protocol'), 'open_refused');
  }
  if (parts.isStopping()) return refused(errorOf('restarting'), 'restarting');
  const outcome = parts.sessions.open(decoded.value, carrier);
  return 'fault' in outcome ? refused(errorOf(outcome.fault), outcome.close) : outcome;
}

function errorOf(code: keyof typeof ERRORS, field?: string): ErrorBody {
  return { code, message: ERRORS[code].message, ...(field === undefined ? {} : { field }) };
}

function refused(error: ErrorBody, close: Parameters<typeof closingFrame>[0]): Opening {
  return { error, closing: closingFrame(close, { error: error.code }) };
}
