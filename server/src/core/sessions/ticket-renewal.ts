/**
 * Hands tickets to sessions: a fresh one at each opening, when half of its life has passed, and when what the session may hear has
 * changed: at once, so that a crash does not cost the back end a question, but at most once a second.
 */

import type { Identity } from '../access/identity.js';
import type { Denial } from '../access/permissions.js';
import type { TicketSigner } from '../access/ticket.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../time/clock.js';
import type { TimerWheel, WheelTimer } from '../time/timer-wheel.js';
import { Frame } from '../wire/frame.js';

const COALESCE_MS = 1_000;
/** What is said of a session above this many characters is left out: a restart then costs one request to the back end. */
const MAX_SAID_CHARACTERS = 16 * 1024;

/** What a denial costs beside its path. */
const DENIAL_CHARACTERS = 35;

/** What the desk stands on. */
export interface TicketRenewalOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly settings: {
    /** Whether tickets say whose a session is and what it may hear; else they only name it. */
    readonly ticketsCarryGrants: boolean;
  };
}

/** Issues and renews tickets. */
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

  /** A ticket of the session as it is now. */
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
    // Without its denials no grant may travel.
    return this.#signer.issue({ ...whose, grants: null, denied: [], identity: identity && bare(identity) });
  }

  /** Renews the ticket at once, or, when that was done within the last second, once for all changes until it is over. */
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

  /** Renews it no more. */
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

/** What is kept of an identity that says too much: who it is, and until when. */
const bare = (identity: Identity): Identity => ({ ...identity, grants: [], info: null });

/** Whether all of it may travel in a ticket. */
function fits(granted: Iterable<string>, denials: readonly Denial[], identity: Identity | null): boolean {
  let characters = identity === null ? 0 : JSON.stringify(identity.info).length;
  for (const path of granted) characters += path.length + 3;
  for (const path of identity?.grants ?? []) characters += path.length + 3;
  for (const { path } of denials) characters += path.length + DENIAL_CHARACTERS;
  return characters <= MAX_SAID_CHARACTERS;
}
