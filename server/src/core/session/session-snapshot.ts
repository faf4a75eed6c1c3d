/** A session as plain data, made of a ticket or left by the previous server. Stores and tickets encode it. */
import type { Position } from '../../../../protocol/positions.js';
import type { Identity } from '../access/identity.js';
import type { Denial } from '../access/permissions.js';
import type { StateValues } from './session-state.js';

/** A subscription of a session. */
export interface SubscriptionSnapshot {
  readonly path: string;
  /** Where the subscription began; null on a path without a log. */
  readonly start: Position | null;
  /** Whether the path was never published to: its store may not know it, so `start` carries its epoch. */
  readonly isUnused: boolean;
  /** The last offset that was enqueued. */
  readonly cursor: number;
  readonly followsState: boolean;
}

/** A session whose client may come back. Times are milliseconds since 1970. */
export interface SessionSnapshot {
  readonly id: string;
  readonly user: string | null;
  readonly login: string | null;
  readonly identity: Identity | null;
  readonly openedAt: number;
  readonly lastContactAt: number;
  readonly lastCommandAt: number | null;
  /** When the newest ticket was made. */
  readonly ticketAt: number;
  /** The number of the last connection. */
  readonly connection: number;
  /** The highest `attempt` that took the session. */
  readonly attempt: number;
  /** The number of the last upstream frame that took effect. */
  readonly received: number;
  /** Whether `received` is unknown. */
  readonly isForgotten: boolean;
  readonly state: { readonly values: StateValues; readonly version: number };
  readonly granted: readonly string[];
  readonly denied: readonly Denial[];
  readonly subscriptions: readonly SubscriptionSnapshot[];
}
