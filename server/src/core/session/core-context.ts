/** What sessions and the table of sessions share. It stands here because it names the hub and the log; lower rooms do not use it. */
import type { AddressGuard } from '../access/address-guard.js';
import type { AuthProviders } from '../access/identity.js';
import type { RevocationList } from '../access/revocation-list.js';
import type { TicketSigner } from '../access/ticket.js';
import type { ByteBudget } from '../data/byte-budget.js';
import type { Counters } from '../data/counters.js';
import type { Dispatcher } from '../hub/dispatcher.js';
import type { Registry } from '../hub/registry.js';
import type { Broker } from '../log/broker.js';
import type { Clock, IdSource } from '../time/clock.js';
import type { TimerWheel } from '../time/timer-wheel.js';
import type { Backlogs } from '../wire/backlog.js';
import type { Flusher } from '../wire/flusher.js';
import type { OutboxBounds } from '../wire/outbox.js';

/** The configuration of sessions. Times are milliseconds. */
export interface SessionSettings {
  readonly sessionTtlMs: number;
  /** How long a path waits for a decision, or to be joined. */
  readonly grantWaitMs: number;
  readonly pingIntervalMs: number;
  readonly stallMs: number;
  readonly outbox: OutboxBounds;
  /** Paths of one session, subscribed or waiting. */
  readonly maxSubscriptions: number;
  /** Subscriptions of all sessions. */
  readonly maxTotalSubscriptions: number;
  readonly maxIdleSessions: number;
  /** Connections that are admitted per second. */
  readonly maxOpensPerSecond: number;
  /** Whether tickets carry identity and grants, and restore their session on a server that has forgotten it. */
  readonly ticketsCarryGrants: boolean;
}

/** The shared parts of core. `createEngine` makes it once. */
export interface CoreContext {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly wheel: TimerWheel;
  readonly counters: Counters;
  readonly settings: SessionSettings;
  readonly broker: Broker;
  readonly registry: Registry;
  readonly dispatcher: Dispatcher;
  readonly flusher: Flusher;
  /** Bytes held for clients that do not read. */
  readonly backlogs: Backlogs;
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
  readonly authProviders: AuthProviders;
  /** Returns whether every client may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Counts by address what sessions without a user hold. */
  readonly guard: AddressGuard;
  /** Bounds the characters of tokens that wait, of all sessions. */
  readonly tokenBudget: ByteBudget;
  /** Returns whether the server stops: then sessions do not change any more. */
  readonly isFrozen: () => boolean;
  /** Called when a revocation could not be written. */
  readonly onJournalFault: (error: unknown) => void;
  /** Called when a hook of a feature has thrown. */
  readonly onFeatureFault: (feature: { readonly name: string }, error: unknown) => void;
}
