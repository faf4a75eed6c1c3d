/** Takes the frames that follow an `open` frame, for every transport alike. */
import { errorBody } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { utf8Length } from '../../../protocol/paths.js';

import type { Session, SessionConnection } from '../core/session/session.js';
import type { Sessions } from '../core/sessions/sessions.js';
import { applyFrame } from '../core/sessions/upstream.js';
import { Frame } from '../core/wire/frame.js';
import { type Decoded, decodeJson, decodeSendFrame } from './decode.js';

/** Takes one frame as text. Drops frames of a former connection, and all once the server stops: clients repeat them. */
export function receiveText(sessions: Sessions, connection: SessionConnection, text: string): void {
  const session = connection.owner;
  if (session.connection !== connection || sessions.isFrozen) return;
  if (isTooLarge(text)) return refuse(session, { error: errorBody('too_large') });
  const json = decodeJson(text);
  if ('error' in json) refuse(session, json);
  else receiveFrame(sessions, connection, json.value);
}

/** Takes one frame. A refused frame has no effect, and its client gets an error. */
export function receiveFrame(sessions: Sessions, connection: SessionConnection, value: unknown): void {
  const session = connection.owner;
  if (session.connection !== connection || sessions.isFrozen) return;
  sessions.heard(session, connection);
  const decoded = decodeSendFrame(value, sessions.features.frames);
  if ('error' in decoded) return refuse(session, decoded);
  const error = applyFrame(sessions, session, decoded.value);
  if (error !== null) refuse(session, { error, ...('n' in decoded.value ? { n: decoded.value.n } : {}) });
}

/** Returns whether a text is too large. A character is at most three bytes, so most texts need no count. */
function isTooLarge(text: string): boolean {
  if (3 * text.length <= LIMITS.frameBytes) return false;
  return text.length > LIMITS.frameBytes || utf8Length(text) > LIMITS.frameBytes;
}

/** Sends a refusal. The refused number counts, so that the next one is no jump. */
function refuse(session: Session, refused: Exclude<Decoded<never>, { value: never }>): void {
  const { error, n } = refused;
  if (n !== undefined && error.code !== 'bad_sequence') session.receive(n);
  session.tell(Frame.of({ type: 'error', ...error, ...(n === undefined ? {} : { n }) }));
}
