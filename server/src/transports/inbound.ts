/** Takes the frames that follow an `open` frame, for every transport alike. */
import { errorBody } from '../../../protocol/codes.js';
import type { SendFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { utf8Length } from '../../../protocol/paths.js';
import type { Session, SessionConnection } from '../core/session/session.js';
import type { FeatureFrame } from '../core/sessions/features.js';
import type { Sessions } from '../core/sessions/sessions.js';
import { applyFrame } from '../core/sessions/upstream.js';
import { Frame } from '../core/wire/frame.js';
import { type Decoded, decodeSendFrame } from './decode.js';
import type { Dialect } from './dialect.js';

/** Takes the text of one frame. */
export function receiveText(
  { sessions, dialect }: { readonly sessions: Sessions; readonly dialect: Dialect },
  connection: SessionConnection,
  text: string,
): void {
  if (!isTaken(sessions, connection)) return;
  if (isTooLarge(text)) return refuse(connection.owner, { error: errorBody('too_large') });
  const read = dialect.read(text, connection.owner.received);
  take(sessions, connection, 'error' in read ? read : decodeSendFrame(read.value, sessions.features));
}

/** Takes one frame of Dobby's own protocol. */
export function receiveFrame(sessions: Sessions, connection: SessionConnection, value: unknown): void {
  if (isTaken(sessions, connection)) take(sessions, connection, decodeSendFrame(value, sessions.features));
}

/** Returns whether frames are taken: not of a former connection, and none once the server stops. Clients repeat them. */
function isTaken(sessions: Sessions, connection: SessionConnection): boolean {
  return connection.owner.connection === connection && !sessions.isFrozen;
}

/** Takes a decoded frame. A refused frame has no effect, and its client gets an error. */
function take(
  sessions: Sessions,
  connection: SessionConnection,
  decoded: Decoded<SendFrame | FeatureFrame>,
): void {
  const session = connection.owner;
  sessions.heard(session, connection);
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
