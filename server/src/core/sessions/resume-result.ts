/** Who comes to open a connection, told from the ticket alone: before anything is made of it, and at no cost to others when it is a bad one. */
import { type CloseName, type ErrorBody, type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { RevocationList } from '../access/revocation-list.js';
import type { TicketClaims, TicketSigner } from '../access/ticket.js';
import type { Session } from '../session/session.js';

/** Why a connection was not opened, how its transport is to close, and after what time its client may come back. */
export interface Refusal {
  readonly error: ErrorBody;
  readonly close: CloseName;
  readonly reconnectAfterMs?: number;
}

/** Who wants to open a connection: a session that lives here, one that a ticket brings back, or nobody that is known. */
export type ResumeResult =
  | { readonly session: Session }
  | { readonly claims: TicketClaims }
  | { readonly refused: ErrorCode | null };

/** What a ticket is judged by. */
export interface ResumeOptions {
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
  readonly sessions: ReadonlyMap<string, Session>;
  /** Whether a ticket brings its session back to a server that has forgotten it. */
  readonly ticketsCarryGrants: boolean;
}

/** Returns the session of a ticket; without side effects, and at no cost to others when the ticket is bad. */
export function resumeByTicket(ticket: string | undefined, options: ResumeOptions): ResumeResult | Refusal {
  if (ticket === undefined) return { refused: null };
  const verdict = options.tickets.read(ticket);
  if (!('claims' in verdict)) return refusal('bad_ticket', 'ticket_refused');
  const { claims } = verdict;
  const state = options.revocations.endedBy(claims);
  if (state === 'dismissed') return refusal('revoked_ticket', 'dismissed');
  if (state === 'ended') return { refused: 'revoked_ticket' };
  if ('fault' in verdict) return { refused: verdict.fault };
  const session = options.sessions.get(claims.id);
  if (session !== undefined) return { session };
  if (options.revocations.mayBeForgotten(claims)) return { refused: 'revoked_ticket' };
  return options.ticketsCarryGrants ? { claims } : { refused: 'unknown_session' };
}

/** The refusal of a code, with the way in which its transport closes. */
export function refusal(code: ErrorCode, close: CloseName): Refusal {
  return { error: errorBody(code), close };
}
