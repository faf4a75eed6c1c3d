/** Finds the session that a ticket resumes, without side effects; a bad ticket costs other clients nothing. */
import { type CloseName, type ErrorBody, type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { TicketClaims } from '../access/ticket.js';
import type { CoreContext } from '../session/core-context.js';
import type { Session } from '../session/session.js';

/** The error of an opening, how its transport closes, and after what time its client may come back. */
export interface Refusal {
  readonly error: ErrorBody;
  readonly close: CloseName;
  readonly reconnectAfterMs?: number;
}

/** What an `open` frame resumes: a live session, one that the ticket restores, or no session. */
export type ResumeResult =
  | { readonly session: Session }
  | { readonly claims: TicketClaims }
  | { readonly refused: ErrorCode | null };

/** Returns what a ticket resumes, or the refusal of the opening. */
export function resumeByTicket(
  ticket: string | undefined,
  sessions: ReadonlyMap<string, Session>,
  { tickets, revocations, settings }: CoreContext,
): ResumeResult | Refusal {
  if (ticket === undefined) return { refused: null };
  const verdict = tickets.read(ticket);
  if (!('claims' in verdict)) return refusal('bad_ticket', 'ticket_refused');
  const { claims } = verdict;
  const state = revocations.endedBy(claims);
  if (state === 'dismissed') return refusal('revoked_ticket', 'dismissed');
  if (state === 'ended') return { refused: 'revoked_ticket' };
  if ('fault' in verdict) return { refused: verdict.fault };
  const session = sessions.get(claims.id);
  if (session !== undefined) return { session };
  if (revocations.mayBeForgotten(claims)) return { refused: 'revoked_ticket' };
  return settings.ticketsCarryGrants ? { claims } : { refused: 'unknown_session' };
}

/** Returns the refusal of a code, with the way its transport closes. */
export function refusal(code: ErrorCode, close: CloseName): Refusal {
  return { error: errorBody(code), close };
}
