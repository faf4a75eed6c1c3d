/**
 * Issues tickets to sessions: at each opening, after half of a ticket's life, and when grants change. A change is sent
 * at once, so that a crash costs the back end no question, but at most once a second.
 */

import type { Identity } from '../access/identity.js';
import type { Denial } from '../access/permissions.js';
import type { TicketSigner } from '../access/ticket.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../time/clock.js';
import type { TimerWheel, WheelTimer } from '../time/timer-wheel.js';
import { Frame } from '../wire/frame.js';

const COALESCE_MS = 1_000;
/** Tickets leave out grants and info above this many characters; a restart then costs one request to the back end. */
const MAX_SAID_CHARACTERS = 16 * 1024;

/** Characters of a denial beside its path. */
const DENIAL_CHARACTERS = 35;

/** Options of `TicketRenewal`. */
export interface TicketRenewalOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly settings: {
    /** Whether tickets carry identity and grants; else they only name the session. */
    readonly ticketsCarryGrants: boolean;
  };
}

export class TicketRenewal {
  readonly #signer: TicketSigner;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #isFull: boolean;
  readonly #due = new Map<Session, WheelTimer>();

  constructor(signer: TicketSigner, { clock, wheel, settings }: TicketRenewalOptions) {
    this.#signer = signer;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#isFull = settings.ticketsCarryGrants;
  }

  /** Returns a ticket of the session as it is now. */
  issue(session: Session): string {
    this.forget(session);
    const issuedAt = session.ticketIssued();
    const { id, connectionNumber: connection, user } = session;
    const named = { id, connection, issuedAt };
    if (!this.#isFull) {
      const nothing = { user: null, login: null, identity: null, grants: null, denied: [] };
      return this.#signer.issue({ ...named, ...nothing });
    }
    const { granted, denials } = session.paths;
    const { login, identity } = session;
    const whose = { ...named, user, login };
    if (fits(granted, denials, identity)) {
      const ticket = this.#signer.issue({ ...whose, grants: [...granted], denied: denials, identity });
      if (ticket.length <= this.#signer.maxCharacters) return ticket;
    }
    // A ticket must not carry grants without the denials.
    return this.#signer.issue({ ...whose, grants: null, denied: [], identity: identity && bare(identity) });
  }

  /** Renews the ticket at once, or one second after the last renewal, once for all changes. */
  renewSoon(session: Session): void {
    if (!this.#isFull || session.isRaw || this.#due.has(session)) return;
    const left = session.ticketRenewedAt + COALESCE_MS - this.#clock.monotonic();
    if (left <= 0) return this.#renew(session);
    this.#due.set(
      session,
      this.#wheel.after(left, () => this.#renew(session)),
    );
  }

  /** Renews the ticket when half of its life has passed. */
  renewIfDue(session: Session): void {
    if (session.isRaw || this.#clock.now() - session.ticketAt < this.#signer.lifetimeMs / 2) return;
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
