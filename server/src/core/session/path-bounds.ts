/** Bounds how many paths a session may hear and wait for: alone, with others at its address, and with all sessions. */
import type { ErrorCode } from '../../../../protocol/codes.js';
import type { AddressGuard, GuardedSession } from '../access/address-guard.js';
import type { Counters } from '../data/counters.js';

/** Waiting paths of all sessions: each holds half a kilobyte, and any client can name them. */
export const MAX_WAITING_PATHS = 100_000;

/** The counters and bounds to check. */
export interface PathBounds {
  readonly counters: Counters;
  /** Counts sessions without a user by address. */
  readonly guard: AddressGuard;
  readonly maxSubscriptions: number;
  readonly maxTotalSubscriptions: number;
}

/** Returns why a session may not have one more path, when `more` others are to be asked about; null when it may. */
export function whyFull(session: GuardedSession, bounds: PathBounds, more = 0): ErrorCode | null {
  const { counters, guard, maxSubscriptions, maxTotalSubscriptions } = bounds;
  if (session.pathCount + more >= maxSubscriptions) return 'too_many_subscriptions';
  if (counters.subscriptions + counters.pending + more >= maxTotalSubscriptions) return 'subscriptions_full';
  return guard.hasRoom(session, more + 1) ? null : 'address_subscriptions';
}

/** Returns why one more path of a session may not wait, when `more` others are to be asked about; null when it may. */
export function whyNotWait(session: GuardedSession, bounds: PathBounds, more: number): ErrorCode | null {
  if (bounds.counters.pending + more >= MAX_WAITING_PATHS) return 'subscriptions_full';
  return bounds.guard.mayWait(session, more + 1) ? null : 'address_subscriptions';
}
