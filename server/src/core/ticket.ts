/** What a ticket says, and who makes and reads tickets. */

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
  /** The paths that were taken from the session and not granted again. */
  readonly denied: readonly string[];
}

/** A ticket that was read, or why it was not. */
export type TicketVerdict =
  | { readonly claims: TicketClaims }
  | { readonly fault: 'bad_ticket' }
  | { readonly fault: 'expired_ticket'; readonly claims: TicketClaims };

/** Makes and reads tickets. */
export interface TicketOffice {
  /** How long a ticket lasts, in milliseconds. */
  readonly lifetimeMs: number;
  issue(claims: TicketClaims): string;
  /** Never throws, whatever the text. */
  read(ticket: string): TicketVerdict;
}
