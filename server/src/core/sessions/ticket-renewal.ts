/**
 * Issues tickets to sessions: at each opening, after half of a ticket's life, and when grants change. A change is sent
 * at once, so that a crash costs the back end no question, but at most once a second.
 */

import type { Identity } from '../access/identity.js';
import type { Denial } from '../access/permissions.js';
import type { CoreContext } from '../session/core-context.js';
import type { Session } from '../session/session.js';
import type { WheelTimer } from '../time/timer-wheel.js';
import { Frame } from '../wire/frame.js';

const COALESCE_MS = 1_000;
/** Tickets leave out grants and info above this many characters; a restart then costs one request to the back end. */
const MAX_SAID_CHARACTERS = 16 * 1024;

/** Characters of a denial beside its path. */
const DENIAL_CHARACTERS = 35;

export class TicketRenewal {
  readonly #context: CoreContext;
  readonly #due = new Map<Session, WheelTimer>();

  constructor(context: CoreContext) {
    this.#context = context;
  }

  /** Returns a ticket of the session as it is now. */
  issue(session: Session): string {
    this.forget(session);
    const issuedAt = session.ticketIssued();
    const { id, connectionNumber: connection, user } = session;
    const named = { id, connection, issuedAt };
    const { tickets, settings } = this.#context;
    if (!settings.ticketsCarryGrants) {
      const nothing = { user: null, login: null, identity: null, grants: null, denied: [] };
      return tickets.issue({ ...named, ...nothing });
    }
    const { granted, denials } = session.paths.permissions;
    const { login, identity } = session;
    const whose = { ...named, user, login };
    if (fits(granted, denials, identity)) {
      const ticket = tickets.issue({ ...whose, grants: [...granted], denied: denials, identity });
      if (ticket.length <= tickets.maxCharacters) return ticket;
    }
    // A ticket must not carry grants without the denials.
    return tickets.issue({ ...whose, grants: null, denied: [], identity: identity && bare(identity) });
  }

  /** Renews the ticket at once, or one second after the last renewal, once for all changes. */
  renewSoon(session: Session): void {
    const { clock, wheel, settings } = this.#context;
    if (!settings.ticketsCarryGrants || session.isRaw || this.#due.has(session)) return;
    const left = session.ticketRenewedAt + COALESCE_MS - clock.monotonic();
    if (left <= 0) return this.#renew(session);
    const timer = wheel.after(left, () => this.#renew(session));
    this.#due.set(session, timer);
  }

  /** Renews the ticket when half of its life has passed. */
  renewIfDue(session: Session): void {
    const { clock, tickets } = this.#context;
    if (session.isRaw || clock.now() - session.ticketAt < tickets.lifetimeMs / 2) return;
    this.#renew(session);
  }

  /** Cancels a renewal that is due. */
  forget(session: Session): void {
    this.#due.get(session)?.cancel();
    this.#due.delete(session);
  }

  #renew(session: Session): void {
    this.forget(session);
    if (session.isEnded || session.connection === null) return;
    session.ticketRenewed();
    session.tell(Frame.of({ type: 'ticket', ticket: this.issue(session) }));
  }
}

/** Returns an identity without grants and info, which do not fit into a ticket. */
const bare = (identity: Identity): Identity => ({ ...identity, grants: [], info: null });

/** Returns whether grants, denials and identity fit into a ticket. */
function fits(granted: Iterable<string>, denials: readonly Denial[], identity: Identity | null): boolean {
  let characters = identity === null ? 0 : JSON.stringify(identity.info).length;
  for (const path of granted) characters += path.length + 3;
  for (const path of identity?.grants ?? []) characters += path.length + 3;
  for (const { path } of denials) characters += path.length + DENIAL_CHARACTERS;
  return characters <= MAX_SAID_CHARACTERS;
}
