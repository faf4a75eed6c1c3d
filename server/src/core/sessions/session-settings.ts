/** The configuration of sessions. */
import type { OutboxBounds } from '../wire/outbox.js';

export interface SessionSettings {
  readonly sessionTtlMs: number;
  readonly grantWaitMs: number;
  readonly pingIntervalMs: number;
  readonly stallMs: number;
  readonly outbox: OutboxBounds;
  /** Paths of one session, subscribed or pending. */
  readonly maxSubscriptions: number;
  /** Subscriptions of all sessions. */
  readonly maxTotalSubscriptions: number;
  readonly maxIdleSessions: number;
  /** Connections that are admitted per second. */
  readonly maxOpensPerSecond: number;
  /** Whether a ticket restores its session on a server that has forgotten it. */
  readonly ticketsCarryGrants: boolean;
}
