/**
 * Selects the sessions that a server leaves to the next one, and those that return there; turns a ticket into such a
 * session.
 */
import type { TicketClaims } from '../access/ticket.js';
import type { CoreContext } from '../session/core-context.js';
import type { Session } from '../session/session.js';
import type { SessionSnapshot } from '../session/session-snapshot.js';

/** When the previous server stopped, and when it asked its last client to be back; milliseconds since 1970. */
export interface RestoreTimes {
  readonly at: number;
  readonly backBy: number;
}

/** Returns the session of a ticket as a snapshot without subscriptions. */
export function snapshotOfTicket(claims: TicketClaims, now: number): SessionSnapshot {
  const { id, user, login, identity, connection, issuedAt, grants, denied } = claims;
  return {
    ...{ id, user, login, identity, connection, denied },
    ...{ openedAt: now, lastContactAt: now, lastCommandAt: null, ticketAt: issuedAt },
    ...{ attempt: 0, received: 0, isForgotten: true },
    state: { values: {}, version: 0 },
    granted: grants ?? [],
    subscriptions: [],
  };
}

/**
 * Returns sessions with the fewest paths first, so that a few large ones delay no others. Among equals the one that was
 * heard last comes first.
 */
export function byWorth(all: Iterable<Session>): Session[] {
  const sessions = [...all].filter(({ isRaw }) => !isRaw);
  return sessions.sort(
    (a, b) => a.paths.subscriptions.size - b.paths.subscriptions.size || b.lastContactAt - a.lastContactAt,
  );
}

/** Returns how long the previous server's clients are awaited beyond a session's time to live, in milliseconds. */
export function graceMs({ at, backBy }: RestoreTimes, { clock, tickets }: CoreContext): number {
  // The clock of the machine may have been set back since.
  return Math.min(Math.max(0, backBy - Math.max(clock.now(), at)), tickets.lifetimeMs);
}

/** Returns up to when the previous server knew the revocations of a session, in milliseconds since 1970. */
export function knownUntil({ ticketAt }: SessionSnapshot, { at }: RestoreTimes): number {
  return Math.max(at, ticketAt) + 1;
}

/** Returns whether a session may return: it has not ended since, and its newest ticket has not expired. */
export function mayReturn(
  snapshot: SessionSnapshot,
  times: RestoreTimes,
  { clock, tickets, revocations }: CoreContext,
): boolean {
  const issuedAt = knownUntil(snapshot, times);
  if (revocations.endedBy({ ...snapshot, issuedAt }) !== 'no') return false;
  return clock.now() - snapshot.ticketAt < tickets.lifetimeMs;
}
