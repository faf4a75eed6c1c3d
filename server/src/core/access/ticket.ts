/** What a ticket says, and who makes and reads tickets. */
import type { Identity } from './identity.js';
import type { Denial } from './permissions.js';

/** The content of a ticket. */
export interface TicketClaims {
  /** The session's id. */
  readonly id: string;
  /** The number of the connection that it was made for. */
  readonly connection: number;
  /** When it was made, in milliseconds since 1970. */
  readonly issuedAt: number;
  /** The user that the session is bound to. */
  readonly user: string | null;
  /** The granted paths; null when they were too many to carry. */
  readonly grants: readonly string[] | null;
  /** What was taken from the session and not granted again. */
  readonly denied: readonly Denial[];
  /** The login that the session belongs to. */
  readonly login: string | null;
  /** What a token or the session view said of it. */
  readonly identity: Identity | null;
}

/** A ticket that was read, or why it was not. */
export type TicketVerdict =
  | { readonly claims: TicketClaims }
  | { readonly fault: 'bad_ticket' }
  | { readonly fault: 'expired_ticket'; readonly claims: TicketClaims };

/** Makes and reads tickets. */
export interface TicketSigner {
  /** How long a ticket lasts, in milliseconds. */
  readonly lifetimeMs: number;
  /** No longer one can be read. */
  readonly maxCharacters: number;
  issue(claims: TicketClaims): string;
  /** Never throws, whatever the text. */
  read(ticket: string): TicketVerdict;
}
