/** The sessions of the server before, which come back to this one: what is asked for them, and which of them return. */

import type { RevocationList } from '../access/revocation-list.js';
import type { TicketClaims, TicketSigner } from '../access/ticket.js';
import type { HandoffTimes, SessionHandoff } from '../session/handoff.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../time/clock.js';

/** What it stands on. */
export interface RestoreOptions {
  readonly clock: Clock;
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
  /** Whether an id is in use. */
  readonly isKnown: (id: string) => boolean;
  /** Makes a session of what a ticket would say of it. */
  readonly remember: (claims: TicketClaims) => Session;
}

/**
 * The sessions that clients may come back to, for the next server, as they are asked for. Those with the fewest paths come first, so
 * that a few with very many are in nobody's way, and among them who was heard last.
 */
export function* handedOver(all: Iterable<Session>): Generator<SessionHandoff> {
  const sessions = [...all].filter(({ isRaw }) => !isRaw);
  sessions.sort(
    (a, b) => a.paths.subscriptions.size - b.paths.subscriptions.size || b.lastContactAt - a.lastContactAt,
  );
  for (const session of sessions) yield session.handOver();
}

/** How long the clients of the server before are waited for beyond a session's time to live, in milliseconds. */
export function waitedMs({ at, backBy }: HandoffTimes, { clock, tickets }: RestoreOptions): number {
  // The clock of the machine may have been set back since.
  return Math.min(Math.max(0, backBy - Math.max(clock.now(), at)), tickets.lifetimeMs);
}

/** The session that was handed over at a time; null for one that has ended, or was taken back since, or whose newest ticket has expired. */
export function returned(handed: SessionHandoff, handedAt: number, parts: RestoreOptions): Session | null {
  const { id, ticketAt, openedAt, lastContactAt, lastCommandAt, received, attempt, isForgotten, ...rest } =
    handed;
  const { clock, tickets, revocations, isKnown, remember } = parts;
  // It knows what was taken back up to its own last millisecond.
  const issuedAt = Math.max(handedAt, ticketAt) + 1;
  const { user, login } = rest;
  if (isKnown(id) || revocations.endedBy({ id, user, login, issuedAt }) !== 'no') return null;
  if (clock.now() - ticketAt >= tickets.lifetimeMs) return null;
  const session = remember({ id, ...rest, grants: rest.granted, issuedAt });
  Object.assign(session, {
    ticketAt,
    openedAt,
    lastContactAt,
    lastCommandAt,
    received,
    attempt,
    isForgotten,
  });
  if (handed.state.version > 0) session.state.restore(handed.state.values, handed.state.version);
  session.paths.takeOver(handed.subscriptions);
  return session;
}
