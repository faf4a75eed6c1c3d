/** Builds the `opened` frame, the server's first, which describes the session. */
import type { OpenedFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';
import type { ResumeResult } from './resume-result.js';

/** Options of `openedFrame`. */
export interface OpenedFrameOptions {
  /** The session that the ticket of the `open` frame resumes. */
  readonly resumed: ResumeResult;
  readonly ticket: string;
  /** The present time, in milliseconds since 1970. */
  readonly now: number;
  readonly pingIntervalMs: number;
}

/** Returns the `opened` frame for the connection that has the session now. */
export function openedFrame(
  session: Session,
  { resumed, ticket, now, pingIntervalMs }: OpenedFrameOptions,
): OpenedFrame {
  const { identity } = session;
  const isResumed = !('refused' in resumed);
  const expiresAt = identity?.source === 'token' ? identity.expiresAt : null;
  return {
    type: 'opened',
    id: session.id,
    ticket,
    connection: session.connectionNumber,
    resumed: isResumed,
    ...('refused' in resumed && resumed.refused !== null ? { refused: resumed.refused } : {}),
    received: session.received,
    ...(isResumed && session.isForgotten ? { forgot: true } : {}),
    ...(expiresAt === null ? {} : { tokenExpiresInMs: Math.max(0, expiresAt - now) }),
    pingIntervalMs,
  };
}
