/**
 * The undecided paths of one session: the server asks about them, or waits for the back end's `connect`. Most sessions
 * never wait, so the parts are made at their first use.
 */
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { AddressGuard, GuardedSession } from '../access/address-guard.js';
import type { PathDecision } from '../access/identity.js';
import type { Counters } from '../data/counters.js';
import {
  type Answer,
  type AuthorizedSession,
  PathAuthorizer,
  type PathAuthorizerOptions,
} from './path-authorizer.js';
import { PendingPaths } from './pending-paths.js';

/** Options of `WaitingPaths`. */
export interface WaitingPathsOptions extends Omit<PathAuthorizerOptions, 'onWaiting'> {
  readonly counters: Counters;
  /** Counts sessions without a user by address. */
  readonly guard: AddressGuard;
}

/** Called when waiting ends. */
export interface WaitingPathsListener {
  /** Called with the answers of tokens or the back end. */
  readonly onAnswers: (answers: readonly Answer[], decision: PathDecision) => void;
  /** Called with paths that the back end did not grant in time. */
  readonly onOverdue: (paths: readonly string[]) => void;
}

export class WaitingPaths {
  readonly #session: AuthorizedSession & GuardedSession;
  readonly #options: WaitingPathsOptions;
  readonly #listener: WaitingPathsListener;
  #pending: PendingPaths | null = null;
  #asked: PathAuthorizer | null = null;

  constructor(
    session: AuthorizedSession & GuardedSession,
    options: WaitingPathsOptions,
    listener: WaitingPathsListener,
  ) {
    this.#session = session;
    this.#options = options;
    this.#listener = listener;
  }

  /** Returns the number of waiting paths. */
  get size(): number {
    return (this.#pending?.size ?? 0) + (this.#asked?.size ?? 0);
  }

  /** Returns the paths that wait for the back end's `connect`. */
  get pending(): readonly string[] {
    return this.#pending?.paths ?? [];
  }

  has(path: string): boolean {
    return this.#pending?.has(path) === true || this.isAsked(path);
  }

  /** Returns whether the server asks about a path. */
  isAsked(path: string): boolean {
    return this.#asked?.has(path) === true;
  }

  /** Lets a path wait for the back end's `connect`; for a waiting path the time begins again. */
  add(item: SubscribeItem): void {
    this.#pending ??= new PendingPaths(this.#authorizerOptions(), this.#listener.onOverdue);
    this.#pending.add(item);
  }

  /** Asks about paths, by their tokens or the back end. */
  ask(items: readonly SubscribeItem[]): void {
    this.#asked ??= new PathAuthorizer(this.#session, this.#authorizerOptions(), this.#listener.onAnswers);
    this.#asked.begin(items);
  }

  /** Asks again about paths that were revoked while the server asked. */
  askAgain(isRevoked: (path: string) => boolean): void {
    this.#asked?.askAgain(isRevoked);
  }

  /** Ends the waiting for the back end's `connect`; returns the client's request for the path. */
  takePending(path: string): SubscribeItem | undefined {
    return this.#pending?.take(path)?.item;
  }

  /** Ends all waiting for a path; returns the client's request. */
  take(path: string): SubscribeItem | undefined {
    const pending = this.takePending(path);
    return this.#asked?.take(path) ?? pending;
  }

  /** Ends all waiting. */
  clear(): void {
    this.#pending?.clear();
    this.#asked?.clear();
  }

  #authorizerOptions(): PathAuthorizerOptions {
    const { counters, guard } = this.#options;
    const onWaiting = (change: number): void => {
      counters.pending += change;
      guard.waitingChanged(this.#session, change);
    };
    return { ...this.#options, onWaiting };
  }
}
