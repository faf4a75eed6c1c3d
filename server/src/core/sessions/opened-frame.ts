/** The first frame of the server: what a client is told of the session that it has got. */
import type { OpenedFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';
import type { ResumeResult } from './resume-result.js';

/** What is told beside what the session knows. */
export interface OpenedFrameOptions {
  /** Who came. */
  readonly comer: ResumeResult;
  readonly ticket: string;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly pingIntervalMs: number;
}

/** The `opened` frame for the connection that has the session now. */
export function openedFrame(
  session: Session,
  { comer, ticket, now, pingIntervalMs }: OpenedFrameOptions,
): OpenedFrame {
  const { identity } = session;
  const isResumed = !('refused' in comer);
  const expiresAt = identity?.source === 'token' ? identity.expiresAt : null;
  return {
    type: 'opened',
    id: session.id,
    ticket,
    connection: session.connectionNumber,
    resumed: isResumed,
    ...('refused' in comer && comer.refused !== null ? { refused: comer.refused } : {}),
    received: session.received,
    ...(isResumed && session.isForgotten ? { forgot: true } : {}),
    ...(expiresAt === null ? {} : { tokenExpiresInMs: Math.max(0, expiresAt - now) }),
    pingIntervalMs,
  };
}
