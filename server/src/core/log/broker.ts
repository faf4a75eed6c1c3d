/**
 * The port over everything that servers share of paths: logs, states, idempotency. Core works on any store that keeps
 * this contract; `server/test/stores/contract.ts` is the contract as tests.
 *
 * Every call may answer at once or later. A rejection means that nothing was stored and that the call may be repeated.
 * Calls about one path take effect in their order. When `publish` has answered, every later call shows its updates.
 */
import type { Outcome } from '../../../../protocol/codes.js';
import type { Position } from '../../../../protocol/positions.js';
import type { MaybePromise } from '../data/maybe-promise.js';
import type { LogRange, PathLog } from './path-log.js';
import type { PathPolicy } from './path-policy.js';
import type { PathState } from './path-state.js';
import type { StateEntry } from './state-snapshot.js';
import type { Draft, LogEntry, Update } from './update.js';

/** Takes accepted updates. */
export type Deliver = (update: Update) => void;

/** The result of publishing a draft. */
export interface Published {
  /** Null on a path without a log. */
  readonly position: Position | null;
  /** Whether an earlier call with the same idempotency key published it. */
  readonly isRepeated: boolean;
}

/**
 * The newest part of a path, which the broker keeps up to date: it contains an update before `deliver` is called. Its
 * head may be behind that of `read`, since deliveries take time.
 */
export interface Tail {
  /** The newest entries: all that the store has, or at least 100 or 64 KB of them. */
  readonly log: PathLog;
  /** The state; null when the path's policy has no state. */
  readonly state: PathState | null;
}

/** Entries of a log. */
export interface LogPage {
  readonly head: Position;
  /** The offset before the oldest entry of the log: earlier entries are lost. */
  readonly floor: number;
  readonly entries: readonly LogEntry[];
}

/** The entries of a state to read, in the order of their keys. */
export interface StateRange {
  /** Only these keys, as far as they exist. */
  readonly keys?: readonly string[];
  /** Only keys after this one. */
  readonly after?: string;
  readonly limit: number;
  readonly maxCharacters: number;
}

/** Entries of a state. */
export interface StatePage {
  /** The head of the path; all entries are true there. */
  readonly head: Position;
  readonly entries: readonly StateEntry[];
  /** The last key of this page if there are more, else null. */
  readonly next: string | null;
  /** Whether a crash may have lost entries. */
  readonly isPartial: boolean;
}

/** Stores updates and delivers them. */
export interface Broker {
  /** Starts to deliver updates. Called once, before anything else. */
  start(deliver: Deliver): void;
  /**
   * Publishes drafts of one path in one atomic step: idempotency, compare and set, log, state. With an error nothing is
   * stored: `no_state`, `state_full`, `state_conflict`, `idempotency_key_reused`, `bad_field` for a key that is named
   * twice. The updates are delivered here before or after the answer.
   */
  publish(drafts: readonly Draft[]): MaybePromise<Outcome<readonly Published[]>>;
  /**
   * Begins to deliver the updates of a path: from the head of the tail on, in order, without holes and in one epoch.
   * Answers null when the policy has no log; then updates are delivered from some time before the answer on.
   */
  join(path: string): MaybePromise<Tail | null>;
  /** Ends what `join` began, even before its answer. */
  leave(path: string): void;
  /** Reads entries of a log; null when the policy has no log. */
  read(path: string, range: LogRange): MaybePromise<LogPage | null>;
  /** Reads entries of a state; null when the policy has no state. */
  readState(path: string, range: StateRange): MaybePromise<StatePage | null>;
  /** Marks the state of a path as complete after a loss. Answers false when it has no state, or a complete one. */
  complete(path: string): MaybePromise<boolean>;
  /** Returns the policy of a path. */
  policyOf(path: string): PathPolicy;
  /** Releases everything. Idempotent. */
  stop(): void;
}
