/** The content of tickets, and the port that signs and verifies them. */
import type { Identity } from './identity.js';
import type { Denial } from './permissions.js';

/** The content of a ticket. */
export interface TicketClaims {
  /** The session's id. */
  readonly id: string;
  /** The number of the connection that it was issued for. */
  readonly connection: number;
  /** When it was issued, in milliseconds since 1970. */
  readonly issuedAt: number;
  /** The user that the session is bound to. */
  readonly user: string | null;
  /** The granted paths; null when they were too many for a ticket. */
  readonly grants: readonly string[] | null;
  /** Paths that were revoked and not granted again. */
  readonly denied: readonly Denial[];
  /** The login that the session belongs to. */
  readonly login: string | null;
  /** The identity from a token or the session view. */
  readonly identity: Identity | null;
}

/** The claims of a ticket, or why it is refused. */
export type TicketVerdict =
  | { readonly claims: TicketClaims }
  | { readonly fault: 'bad_ticket' }
  | { readonly fault: 'expired_ticket'; readonly claims: TicketClaims };

/** Issues and verifies tickets. */
export interface TicketSigner {
  /** How long a ticket lasts, in milliseconds. */
  readonly lifetimeMs: number;
  /** The longest ticket that `read` accepts. */
  readonly maxCharacters: number;
  issue(claims: TicketClaims): string;
  /** Verifies a ticket. Never throws. */
  read(ticket: string): TicketVerdict;
}
