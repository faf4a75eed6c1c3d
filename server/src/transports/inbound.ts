/** What comes up a connection after it was opened, for every transport alike. */
import { errorBody } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { utf8Length } from '../../../protocol/paths.js';

import type { Session, SessionConnection } from '../core/session/session.js';
import type { Sessions } from '../core/sessions/sessions.js';
import { applyFrame } from '../core/sessions/upstream.js';
import { Frame } from '../core/wire/frame.js';
import { type Decoded, decodeJson, decodeSendFrame } from './decode.js';

/** Takes one frame as text. Frames of a connection that no longer has its session are dropped, and all once the server stops: clients send them again. */
export function receiveText(
  sessions: Sessions,
  session: Session,
  connection: SessionConnection,
  text: string,
): void {
  if (session.connection !== connection || sessions.isFrozen) return;
  if (isTooLarge(text)) {
    refuse(session, { error: errorBody('too_large') });
    return;
  }
  const json = decodeJson(text);
  if ('error' in json) refuse(session, json);
  else receiveFrame(sessions, session, connection, json.value);
}

/** Takes one frame; a refusal is told downstream and nothing of the frame takes effect. */
export function receiveFrame(
  sessions: Sessions,
  session: Session,
  connection: SessionConnection,
  value: unknown,
): void {
  if (session.connection !== connection || sessions.isFrozen) return;
  sessions.heard(session, connection);
  const decoded = decodeSendFrame(value);
  if ('error' in decoded) return refuse(session, decoded);
  const error = applyFrame(sessions, session, decoded.value);
  if (error !== null) refuse(session, { error, ...('n' in decoded.value ? { n: decoded.value.n } : {}) });
}

/** A character is three bytes at the most: most texts need not be looked at. */
function isTooLarge(text: string): boolean {
  if (3 * text.length <= LIMITS.frameBytes) return false;
  return text.length > LIMITS.frameBytes || utf8Length(text) > LIMITS.frameBytes;
}

/** A refused number is used up: what follows it must not be taken for a jump. */
function refuse(session: Session, refused: Exclude<Decoded<never>, { value: never }>): void {
  const { error, n } = refused;
  if (n !== undefined && error.code !== 'bad_sequence') session.receive(n);
  session.tell(Frame.of({ type: 'error', ...error, ...(n === undefined ? {} : { n }) }));
}
