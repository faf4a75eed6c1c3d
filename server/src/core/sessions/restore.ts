/** Which sessions a server leaves to the next one, which of them return there, and a ticket as such a session. */
import type { RevocationList } from '../access/revocation-list.js';
import type { TicketClaims, TicketSigner } from '../access/ticket.js';
import type { Session } from '../session/session.js';
import type { SessionSnapshot } from '../session/session-snapshot.js';
import type { Clock } from '../time/clock.js';

/** When the server before stopped, and when the last of its clients was asked to be back; milliseconds since 1970. */
export interface RestoreTimes {
  readonly at: number;
  readonly backBy: number;
}

/** What decides whether a session returns. */
export interface RestoreOptions {
  readonly clock: Clock;
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
}

/** Returns what a ticket says of a session, as if the server before had left it without subscriptions. */
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
 * Returns sessions in the order in which they are worth keeping: those with the fewest paths first, so that a few with very many
 * delay no others, and among them the one that was heard last.
 */
export function byWorth(all: Iterable<Session>): Session[] {
  const sessions = [...all].filter(({ isRaw }) => !isRaw);
  return sessions.sort(
    (a, b) => a.paths.subscriptions.size - b.paths.subscriptions.size || b.lastContactAt - a.lastContactAt,
  );
}

/** Returns how long the clients of the server before are waited for beyond a session's time to live, in milliseconds. */
export function graceMs({ at, backBy }: RestoreTimes, { clock, tickets }: RestoreOptions): number {
  // The clock of the machine may have been set back since.
  return Math.min(Math.max(0, backBy - Math.max(clock.now(), at)), tickets.lifetimeMs);
}

/** Returns up to when the server before knew what was revoked of a session, in milliseconds since 1970. */
export function knownUntil({ ticketAt }: SessionSnapshot, { at }: RestoreTimes): number {
  return Math.max(at, ticketAt) + 1;
}

/** Whether a session may return: it has not been ended since, and its newest ticket has not expired. */
export function mayReturn(
  snapshot: SessionSnapshot,
  times: RestoreTimes,
  { clock, tickets, revocations }: RestoreOptions,
): boolean {
  const issuedAt = knownUntil(snapshot, times);
  if (revocations.endedBy({ ...snapshot, issuedAt }) !== 'no') return false;
  return clock.now() - snapshot.ticketAt < tickets.lifetimeMs;
}
