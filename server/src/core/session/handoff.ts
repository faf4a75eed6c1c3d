/**
 * What a server that stops hands to the one that starts after it: plain data, so that nobody notices the restart. How it travels
 * between the two is not core's concern.
 */
import type { Position } from '../../../../protocol/positions.js';
import type { Identity } from '../access/identity.js';
import type { Denial } from '../access/permissions.js';
import type { StateEntry } from '../log/snapshot.js';
import type { LogEntry } from '../log/update.js';
import type { StateValues } from './session-state.js';

/** What is kept of a path. */
export interface PathHandoff {
  readonly path: string;
  readonly head: Position;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedAt: number;
  /** Whether its state may be a part only of what there was before a crash; by default it is whole. */
  readonly isPartial?: boolean;
  /** In the order of their last change. */
  readonly state: readonly StateEntry[];
  /** The oldest first; the last one stands at the head. */
  readonly entries: readonly LogEntry[];
}

/** A subscription of a session that is handed over. */
export interface SubscriptionHandoff {
  readonly path: string;
  /** Where it began; null on a path without a log. */
  readonly start: Position | null;
  /** Whether nothing was ever published to the path: it may have no record of its own, and `start` tells its epoch. */
  readonly isUnused: boolean;
  /** The last offset that was enqueued. */
  readonly cursor: number;
  readonly followsState: boolean;
}

/** A session whose client may come back. */
export interface SessionHandoff {
  readonly id: string;
  readonly user: string | null;
  /** Times in milliseconds since 1970. */
  readonly openedAt: number;
  readonly lastContactAt: number;
  readonly lastCommandAt: number | null;
  readonly ticketAt: number;
  /** The number of its last connection. */
  readonly connection: number;
  /** The highest `attempt` that took it. */
  readonly attempt: number;
  readonly received: number;
  /** Whether `received` is not to be relied on. */
  readonly isForgotten: boolean;
  readonly state: { readonly values: StateValues; readonly version: number };
  readonly granted: readonly string[];
  readonly denied: readonly Denial[];
  readonly login: string | null;
  readonly identity: Identity | null;
  readonly subscriptions: readonly SubscriptionHandoff[];
}

/** A request that was answered, which may come again. */
export interface AnsweredRequest {
  /** The method and its idempotency key. */
  readonly key: string;
  readonly digest: string;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
  readonly answer: object;
}

/** When the server that hands over stopped, and when the last of its clients was asked to be back; milliseconds since 1970. */
export interface HandoffTimes {
  readonly at: number;
  readonly backBy: number;
  /** Whether states were lost, and those of paths that are not handed over may be partial. */
  readonly areStatesLost?: boolean;
}
