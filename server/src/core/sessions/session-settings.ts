/** What the configuration says of sessions. */
import type { OutboxBounds } from '../wire/outbox.js';

/** The times and bounds of sessions. */
export interface SessionSettings {
  readonly sessionTtlMs: number;
  readonly grantWaitMs: number;
  readonly pingIntervalMs: number;
  readonly stallMs: number;
  readonly outbox: OutboxBounds;
  /** Of one session, subscribed or pending. */
  readonly maxSubscriptions: number;
  /** Of all sessions together. */
  readonly maxTotalSubscriptions: number;
  readonly maxIdleSessions: number;
  /** Connections that may be opened in a second. */
  readonly maxOpensPerSecond: number;
  /** Whether a ticket brings its session back to a server that has forgotten it. */
  readonly ticketsCarryGrants: boolean;
}
