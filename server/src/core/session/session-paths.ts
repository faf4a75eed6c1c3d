/**
 * What one session hears: its subscriptions, the paths about which tokens or the back end are to decide, and what it may hear. Its client
 * wants paths, its back end grants and revokes them; the client gets every change.
 */
import { type ErrorBody, type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { Pattern } from '../../../../protocol/patterns.js';
import { type Denial, Permissions } from '../access/permissions.js';
import { allAnswers, type MaybePromise, mapAnswer } from '../data/maybe-promise.js';
import type { PathTable } from '../data/path-table.js';
import { isInbox } from '../log/reserved-paths.js';
import { Frame } from '../wire/frame.js';
import type { CoreContext } from './core-context.js';
import { type GrantResult, itemError, type RevokeResult } from './grant-result.js';
import { PathDecisions } from './path-decisions.js';
import type { PathOwner } from './path-owner.js';
import type { SubscriptionSnapshot } from './session-snapshot.js';
import type { Subscription } from './subscription.js';
import { type JoinListener, Subscriptions } from './subscriptions.js';

const NONE: ReadonlySet<string> = new Set();

/** The paths of a session. */
export class SessionPaths implements JoinListener {
  /** What the session may hear. A change ends or begins nothing by itself: `recheck` does. */
  readonly permissions: Permissions;
  readonly #session: PathOwner;
  readonly #context: CoreContext;
  readonly #subscriptions: Subscriptions;
  readonly #decisions: PathDecisions;
  /** What could not be restored: its end is to be told. */
  #lost: ReadonlySet<string> = NONE;

  constructor(session: PathOwner, context: CoreContext) {
    this.#session = session;
    this.#context = context;
    const subscriptions = new Subscriptions(session, context, this);
    const permissions = new Permissions(context, subscriptions.all);
    this.#subscriptions = subscriptions;
    this.permissions = permissions;
    this.#decisions = new PathDecisions(session, context, { subscriptions, permissions });
  }

  /** The subscriptions by path. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions.all;
  }

  /** Subscriptions and paths that wait, but for messages to the session itself. */
  get count(): number {
    return this.#subscriptions.ordinary + this.waiting;
  }

  /** Paths that wait for a decision. */
  get waiting(): number {
    return this.#decisions.waiting?.size ?? 0;
  }

  /** Whether it has a subscription, but for messages to the session itself. */
  get hasSubscriptions(): boolean {
    return this.#subscriptions.ordinary > 0;
  }

  /** Whether it may hear a path without a question to anybody. */
  mayHear(path: string): boolean {
    return this.#decisions.mayHear(path);
  }

  /** Restores what was taken away, and granted since. */
  restore(granted: readonly string[], denials: readonly Denial[]): void {
    for (const { path, at } of denials) this.permissions.deny(path, at);
    for (const source of granted) this.permissions.grant(source);
  }

  /** Returns the subscriptions as data. */
  snapshot(): SubscriptionSnapshot[] {
    return this.#subscriptions.snapshot();
  }

  /** Restores subscriptions as far as they are still allowed; `resume` continues them. */
  restoreSubscriptions(subscriptions: readonly SubscriptionSnapshot[]): void {
    const lost = new Set<string>();
    for (const subscription of subscriptions) {
      const { path } = subscription;
      const isAllowed = this.mayHear(path) && (isInbox(path) || this.#decisions.whyFull() === null);
      if (isAllowed) this.#subscriptions.restore(subscription);
      else lost.add(path);
    }
    if (lost.size > 0) this.#lost = lost;
  }

  /**
   * The client wants to hear paths. Tells `subscribed`, `pending` and `refused`, and the rest when it is known. `refused` is what the
   * back end, which was asked about these paths already, refuses.
   */
  want(items: readonly SubscribeItem[], refused: PathTable<true> | null = null): void {
    // A hook of a feature may have ended it.
    if (this.#session.isEnded) return;
    const result = this.#decisions.result(refused);
    for (const item of items) this.#decisions.decide(item, result);
    this.#decisions.conclude(result);
  }

  /** Ends what may not be heard any more, and begins what waited and may be. */
  recheck(): void {
    this.#endAll([...this.subscriptions.keys()], 'back_end');
    const result = this.#decisions.result();
    this.#decisions.openWaiting(result);
    result.tell(this.#session);
  }

  /** Ends what was heard by tokens that have expired. */
  expireTokens(): void {
    const expired = this.permissions.dropExpired(this.#context.clock.now());
    if (expired.length > 0) this.#endAll(expired, 'expiry');
  }

  /** A connection has taken the session: every subscription goes on from where its client is. */
  resume(items: readonly SubscribeItem[], refused: PathTable<true> | null = null): void {
    const result = this.#decisions.result(refused);
    const named = new Map(items.map((item) => [item.path, item]));
    this.#subscriptions.restart();
    for (const subscription of [...this.subscriptions.values()]) {
      const path = subscription.path.name;
      const item = named.get(path) ?? { path, ...(subscription.state && { state: 'snapshot' }) };
      named.delete(path);
      this.#subscriptions.resume(subscription, item, result);
      // Its snapshot is under way already.
      const { state: _, ...plain } = item;
      if (this.#decisions.isRenewal(item)) result.asked.set(path, plain);
    }
    for (const item of items) if (named.has(item.path)) this.#decisions.decide(item, result);
    for (const path of this.#lost) if (!named.has(path)) result.ended.push(path);
    this.#lost = NONE;
    this.#decisions.conclude(result);
  }

  /** The client ends subscriptions, or no longer waits. */
  unwant(paths: readonly string[]): void {
    for (const path of paths) {
      this.#decisions.waiting?.take(path);
      this.permissions.dropToken(path);
      this.#subscriptions.end(path);
    }
    this.#session.tell(Frame.of({ type: 'unsubscribed', paths, by: 'client' }));
  }

  /** The back end grants paths and subscribes to them. Answers when each is joined. */
  grant(paths: readonly string[]): MaybePromise<GrantResult[]> {
    if (this.#session.isEnded) return [];
    const result = this.#decisions.result();
    const results = paths.map((path, index): MaybePromise<GrantResult> => {
      const fault = pathFault(path);
      if (fault !== null) return { path, error: itemError(fault, index) };
      const waiting = this.#decisions.waiting?.take(path);
      const subscription =
        this.subscriptions.get(path) ?? this.#decisions.subscribe(waiting ?? { path }, result);
      if (typeof subscription === 'string') {
        if (waiting !== undefined) result.refuse(path, subscription);
        return { path, error: itemError(subscription, index) };
      }
      this.permissions.grant(path);
      this.permissions.dropToken(path);
      return mapAnswer(this.#subscriptions.whenPlaced(subscription), (outcome) =>
        typeof outcome === 'string'
          ? { path, error: itemError(outcome, index) }
          : { path, position: outcome },
      );
    });
    result.tell(this.#session);
    this.#session.grantsChanged();
    return allAnswers(results);
  }

  /** Why paths cannot all be granted, or null. */
  grantFault(paths: readonly string[]): ErrorBody | null {
    for (const [index, path] of paths.entries()) {
      const fault = pathFault(path);
      if (fault !== null) return itemError(fault, index);
    }
    const isNew = (path: string): boolean =>
      !this.subscriptions.has(path) && !this.#decisions.waiting?.has(path);
    const count = new Set(paths.filter(isNew)).size;
    const why = count === 0 ? null : this.#decisions.whyFull(count - 1);
    return why && errorBody(why);
  }

  /** The back end takes paths away, at a time in milliseconds since 1970, by default now. */
  revoke(paths: readonly string[], at = this.#context.clock.now()): RevokeResult[] {
    const ended: string[] = [];
    const results = paths.map((path, index): RevokeResult => {
      const fault = pathFault(path);
      if (fault !== null) return { path, error: itemError(fault, index) };
      this.permissions.deny(path, at);
      const wasSubscribed = this.#subscriptions.end(path, 'denied');
      if (wasSubscribed) ended.push(path);
      return { path, wasSubscribed };
    });
    const taken = new Set(paths);
    this.#decisions.waiting?.askAgain((path) => taken.has(path));
    this.#tellEnded(ended, 'back_end');
    this.#session.grantsChanged();
    return results;
  }

  /** The back end takes away all that a pattern matches. Returns how many subscriptions ended. */
  revokeAll(pattern: Pattern, at: number): number {
    this.permissions.deny(pattern.source, at);
    const isTaken = (path: string): boolean => pattern.match(path) !== null;
    this.#decisions.waiting?.askAgain(isTaken);
    const ended = this.#endAll([...this.subscriptions.keys()].filter(isTaken), 'back_end');
    this.#session.grantsChanged();
    return ended;
  }

  /** Subscribes to messages to the session itself, whatever the bounds. Answers when it hears them; an error code says why it does not. */
  hearInbox(path: string): MaybePromise<ErrorCode | null> {
    const result = this.#decisions.result();
    const subscription = this.subscriptions.get(path) ?? this.#subscriptions.begin({ path }, result);
    result.tell(this.#session);
    if (typeof subscription === 'string') return subscription;
    const placed = this.#subscriptions.whenPlaced(subscription);
    return mapAnswer(placed, (outcome) => (typeof outcome === 'string' ? outcome : null));
  }

  /** Without a connection nothing is enqueued. */
  pause(): void {
    this.#subscriptions.pause();
  }

  /** Enqueues one helping for subscriptions that catch up; true when more is left. */
  readOn(): boolean {
    return this.#subscriptions.readOn();
  }

  /** Ends everything; the client gets no frame. */
  end(): void {
    for (const path of [...this.subscriptions.keys()]) this.#subscriptions.end(path, 'unknown_session');
    this.#decisions.waiting?.clear();
  }

  settleJoined(joined: readonly Subscription[]): void {
    const result = this.#decisions.result();
    for (const subscription of joined) {
      const { name } = subscription.path;
      const fault = this.#subscriptions.settle(subscription, result);
      if (fault === null) continue;
      this.#subscriptions.end(name, fault);
      result.refuse(name, fault);
    }
    result.tell(this.#session);
  }

  refuseUnavailable({ path: { name } }: Subscription): void {
    this.#subscriptions.end(name, 'store_unavailable');
    if (!isInbox(name)) this.#session.tellRefused([{ path: name, ...errorBody('store_unavailable') }]);
  }

  /** Ends those of these subscriptions that may not be heard; returns how many. */
  #endAll(paths: readonly string[], by: 'back_end' | 'expiry'): number {
    const ended = paths.filter((path) => !this.mayHear(path));
    for (const path of ended) this.#subscriptions.end(path, 'denied');
    this.#tellEnded(ended, by);
    return ended.length;
  }

  #tellEnded(paths: readonly string[], by: 'back_end' | 'expiry'): void {
    if (paths.length > 0)
      this.#session.tell(Frame.of({ type: 'unsubscribed', paths, by, ...this.#session.asOf }));
  }
}
