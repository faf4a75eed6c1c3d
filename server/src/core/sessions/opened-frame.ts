/** The first frame of the server: what a client is told of the session that it has got. */
import type { OpenedFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';
import type { ResumeResult } from './resume-result.js';

/** What is told beside what the session knows. */
export interface OpenedFrameOptions {
  /** What the ticket of the `open` frame brought back. */
  readonly resumed: ResumeResult;
  readonly ticket: string;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly pingIntervalMs: number;
}

/** The `opened` frame for the connection that has the session now. */
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
