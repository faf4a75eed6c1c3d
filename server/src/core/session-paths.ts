/**
 * What one session hears: its subscriptions, the paths that wait for the back end's word, and what was granted to it or
 * taken from it. Each path of a request is decided by itself; every decision is told.
 */
import { type ErrorBody, type ErrorCode, errorBody } from '../../../protocol/codes.js';
import type { SubscribeItem } from '../../../protocol/frames.js';
import { pathFault } from '../../../protocol/paths.js';
import type { Position } from '../../../protocol/positions.js';
import { Behind } from './behind.js';
import { Decisions } from './decisions.js';
import { Frame } from './frame.js';
import type { SubscriptionHandoff } from './handoff.js';
import { isInbox, isInboxOf } from './inbox.js';
import type { Path } from './path.js';
import { Pending } from './pending.js';
import { type Placement, placeInLog } from './placement.js';
import type { Session, SessionParts } from './session.js';
import { Subscription } from './subscription.js';

/** What became of one path of a grant. */
export type GrantResult =
  | { readonly path: string; readonly position: Position | null }
  | { readonly path: string; readonly error: ErrorBody };

/** What became of one path that was taken away. */
export type RevokeResult =
  | { readonly path: string; readonly wasSubscribed: boolean }
  | { readonly path: string; readonly error: ErrorBody };

const itemError = (code: ErrorCode, index: number): ErrorBody => ({
  ...errorBody(code),
  field: `paths.${index}`,
});

const NONE: ReadonlySet<string> = new Set();

/** The paths of a session. */
export class SessionPaths {
  readonly #session: Session;
  readonly #parts: SessionParts;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Those that are not to messages to the session itself: these make it no less idle. */
  #ordinary = 0;
  /** Most sessions are never behind, and never wait: these are made when they are needed. */
  #behind: Behind | null = null;
  #pending: Pending | null = null;
  #granted: Set<string> | null = null;
  #denied: Set<string> | null = null;

  constructor(session: Session, parts: SessionParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** The subscriptions by path. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions;
  }

  /** The paths that a back end granted. */
  get granted(): ReadonlySet<string> {
    return this.#granted ?? NONE;
  }

  /** The paths that were taken from it since. */
  get denied(): ReadonlySet<string> {
    return this.#denied ?? NONE;
  }

  /** Takes over what a ticket says was granted, less what was taken away since. */
  restore(granted: readonly string[], denied: readonly string[]): void {
    if (granted.length > 0) this.#granted = new Set(granted);
    if (denied.length > 0) this.#denied = new Set(denied);
  }

  /** The subscriptions, for the next server. */
  handOver(): SubscriptionHandoff[] {
    return [...this.#subscriptions.values()].map(({ path, start, cursor, state }) => ({
      path: path.name,
      start,
      // One that was lost before may be handed over in an epoch that has passed.
      isUnused: path.log?.nextOffset === 1 && path.log.epoch === start?.epoch,
      cursor,
      followsState: state !== null,
    }));
  }

  /** Takes over the subscriptions of the server before, as far as they are still allowed; `resume` continues them. */
  takeOver(subscriptions: readonly SubscriptionHandoff[]): void {
    for (const { path: name, start, isUnused, cursor, followsState } of subscriptions) {
      if (!this.mayHear(name) || (!isInbox(name) && this.#isFull())) continue;
      const path = this.#parts.dispatcher.hold(name, isUnused ? start?.epoch : undefined);
      const subscription = new Subscription(this.#session, path, start);
      // The path has another epoch when it was left out: its client then stands where it began, before a gap.
      if (start !== null && start.epoch === path.log?.epoch) subscription.cursor = cursor;
      else subscription.gap = placeInLog(path.log, start)?.gap ?? null;
      if (followsState && path.state !== null) subscription.followState(true);
      this.#add(subscription);
    }
  }

  /** The client wants to hear paths. Tells `subscribed`, `pending` and `refused`. */
  want(items: readonly SubscribeItem[]): void {
    const decisions = new Decisions();
    for (const item of items) this.#decide(item, decisions);
    decisions.tell(this.#session);
  }

  /** A connection has taken the session: every subscription goes on from where its client is. */
  resume(items: readonly SubscribeItem[]): void {
    const decisions = new Decisions();
    const named = new Map(items.map((item) => [item.path, item]));
    this.#behind?.clear();
    for (const subscription of [...this.#subscriptions.values()]) {
      const path = subscription.path.name;
      const item = named.get(path) ?? { path, ...(subscription.state && { state: 'snapshot' }) };
      named.delete(path);
      this.#place(subscription, item, decisions);
    }
    for (const item of items) if (named.has(item.path)) this.#decide(item, decisions);
    decisions.tell(this.#session);
  }

  /** The client ends subscriptions, or no longer waits. */
  unwant(paths: readonly string[]): void {
    for (const path of paths) {
      this.#pending?.take(path);
      this.#unsubscribe(path);
    }
    this.#session.tell(Frame.of({ type: 'unsubscribed', paths, by: 'client' }));
  }

  /** The back end grants paths and subscribes to them. */
  grant(paths: readonly string[]): GrantResult[] {
    const decisions = new Decisions();
    const results = paths.map((path, index): GrantResult => {
      const fault = pathFault(path);
      if (fault !== null) return { path, error: itemError(fault, index) };
      const pending = this.#pending?.take(path);
      const subscription =
        this.#subscriptions.get(path) ?? this.#subscribe(pending?.item ?? { path }, decisions);
      if (typeof subscription === 'string') {
        if (pending !== undefined) decisions.refused.push({ path, ...errorBody(subscription) });
        return { path, error: itemError(subscription, index) };
      }
      this.#noteGrant(path);
      return { path, position: this.#positionOf(subscription) };
    });
    decisions.tell(this.#session);
    this.#parts.onGrants(this.#session);
    return results;
  }

  /** The back end takes paths away. */
  revoke(paths: readonly string[]): RevokeResult[] {
    const ended: string[] = [];
    const results = paths.map((path, index): RevokeResult => {
      const fault = pathFault(path);
      if (fault !== null) return { path, error: itemError(fault, index) };
      this.#granted?.delete(path);
      this.#noteDenial(path);
      const wasSubscribed = this.#unsubscribe(path);
      if (wasSubscribed) ended.push(path);
      return { path, wasSubscribed };
    });
    if (ended.length > 0)
      this.#session.tell(Frame.of({ type: 'unsubscribed', paths: ended, by: 'back_end' }));
    this.#parts.onGrants(this.#session);
    return results;
  }

  /** Without a connection nothing is enqueued, and nothing is kept of a snapshot that was being sent. */
  pause(): void {
    this.#behind?.clear();
    for (const subscription of this.#subscriptions.values()) {
      subscription.pause();
      if (subscription.state?.snapshot) subscription.followState(true);
    }
  }

  /** The outbox had no room for an update. */
  fallBehind(subscription: Subscription): void {
    if (!subscription.isLive) return;
    this.#parts.counters.slow++;
    subscription.isSkipping = subscription.path.isSkipped;
    this.#session.connection?.outbox.wake();
    if (subscription.path.log === null) subscription.gap = { from: null, to: null, reason: 'no_log' };
    this.#fallenBehind().add(subscription);
  }

  /** Whether it may hear a path without anybody being asked. */
  mayHear(path: string): boolean {
    if (this.#granted?.has(path) || isInboxOf(path, this.#session)) return true;
    return !this.#denied?.has(path) && this.#parts.isPublic(path);
  }

  /** Subscribes to messages to the session itself, from now on, whatever the bounds: there are but two such paths. */
  hearInbox(path: string): void {
    if (this.#subscriptions.has(path)) return;
    const decisions = new Decisions();
    this.#begin({ path }, decisions);
    decisions.tell(this.#session);
  }

  /** Why paths cannot all be granted, or null. */
  grantFault(paths: readonly string[]): ErrorBody | null {
    for (const [index, path] of paths.entries()) {
      const fault = pathFault(path);
      if (fault !== null) return itemError(fault, index);
    }
    const { counters, maxSubscriptions, maxTotalSubscriptions } = this.#parts;
    const isNew = (path: string): boolean => !this.#subscriptions.has(path) && !this.#pending?.has(path);
    const count = new Set(paths.filter(isNew)).size;
    const room = maxSubscriptions - this.#ordinary - (this.#pending?.size ?? 0);
    const roomOfAll = maxTotalSubscriptions - counters.subscriptions - counters.pending;
    return count <= Math.min(room, roomOfAll) ? null : errorBody('too_many_subscriptions');
  }

  /** One helping of what is behind; true when more is left. */
  readOn(): boolean {
    return this.#behind?.readOn() === true;
  }

  /** Ends everything; nothing is told. */
  end(): void {
    for (const path of [...this.#subscriptions.keys()]) this.#unsubscribe(path);
    this.#pending?.clear();
  }

  #decide(item: SubscribeItem, decisions: Decisions): void {
    const { path } = item;
    const refuse = (code: ErrorCode) => decisions.refused.push({ path, ...errorBody(code) });
    const isOwn = isInboxOf(path, this.#session);
    if (!isOwn && isInbox(path)) return void decisions.ended.push(path);
    const fault = isOwn ? null : pathFault(path);
    if (fault !== null) return void refuse(fault);
    const existing = this.#subscriptions.get(path);
    if (existing !== undefined) this.#again(existing, item, decisions);
    else if (!isOwn && this.#isFull() && !this.#pending?.has(path)) refuse('too_many_subscriptions');
    // Before anybody is asked: the back end need not be troubled for what cannot be.
    else if (item.state !== undefined && !this.#parts.dispatcher.hasState(path)) refuse('no_state');
    else if (this.mayHear(path)) {
      const fresh = isOwn ? this.#begin(item, decisions) : this.#subscribe(item, decisions);
      if (typeof fresh === 'string') refuse(fresh);
    } else {
      this.#pending ??= new Pending(this.#parts, (overdue) => this.#refuseOverdue(overdue));
      this.#pending.add(item);
      decisions.pending.push(path);
    }
  }

  #isFull(): boolean {
    const { counters, maxSubscriptions, maxTotalSubscriptions } = this.#parts;
    if (counters.subscriptions + counters.pending >= maxTotalSubscriptions) return true;
    return this.#ordinary + (this.#pending?.size ?? 0) >= maxSubscriptions;
  }

  /** A path is named that is subscribed already: nothing changes, but a snapshot may be asked for. */
  #again(subscription: Subscription, { path, state }: SubscribeItem, decisions: Decisions): void {
    if (state !== undefined && subscription.path.state === null) {
      return void decisions.refused.push({ path, ...errorBody('no_state') });
    }
    decisions.subscribed.push({ path, position: this.#positionOf(subscription) });
    if (state === undefined) return;
    if (state === 'snapshot' || subscription.state === null) subscription.followState(state === 'snapshot');
    if (state === 'snapshot') this.#readOnLater(subscription);
  }

  #subscribe(item: SubscribeItem, decisions: Decisions): Subscription | ErrorCode {
    return this.#isFull() ? 'too_many_subscriptions' : this.#begin(item, decisions);
  }

  #begin(item: SubscribeItem, decisions: Decisions): Subscription | ErrorCode {
    const path = this.#parts.dispatcher.hold(item.path);
    const placement = placeIn(path, item);
    if (typeof placement === 'string') {
      this.#parts.dispatcher.release(path);
      return placement;
    }
    const subscription = new Subscription(this.#session, path, placement.start);
    this.#add(subscription);
    this.#settle(subscription, { placement, item }, decisions);
    return subscription;
  }

  #add(subscription: Subscription): void {
    subscription.path.subscribe(subscription);
    this.#subscriptions.set(subscription.path.name, subscription);
    this.#parts.counters.subscriptions++;
    if (!isInbox(subscription.path.name) && ++this.#ordinary === 1) this.#parts.onSubscribed(1);
  }

  #place(subscription: Subscription, item: SubscribeItem, decisions: Decisions): void {
    const { path, state, ...plain } = item;
    if (state !== undefined && subscription.path.state === null) {
      decisions.refused.push({ path, ...errorBody('no_state') });
      return this.#place(subscription, { path, ...plain }, decisions);
    }
    const placement = placeIn(subscription.path, { position: subscription.start, ...item });
    if (typeof placement !== 'string') return this.#settle(subscription, { placement, item }, decisions);
    this.#unsubscribe(item.path);
    decisions.refused.push({ path: item.path, ...errorBody(placement) });
  }

  /** Live when it is at the end of the log and owes neither a gap nor a snapshot; else behind. */
  #settle(
    subscription: Subscription,
    { placement: { start, gap }, item: { state } }: { placement: Placement; item: SubscribeItem },
    decisions: Decisions,
  ): void {
    subscription.cursor = start?.offset ?? 0;
    subscription.gap = gap;
    subscription.isSkipping = false;
    if (state === undefined) subscription.state = null;
    else subscription.followState(state === 'snapshot');
    // Where the client stands, not where the gap ends: should the gap not arrive, it is told again.
    const position = gap === null ? start : gap.from;
    decisions.subscribed.push({ path: subscription.path.name, position });
    const head = subscription.path.log?.head.offset ?? 0;
    const isAtEnd = gap === null && subscription.cursor === head && state !== 'snapshot';
    if (isAtEnd) subscription.goLive();
    else this.#readOnLater(subscription);
  }

  /** Behind, so that it reads on when the connection has written what waits; without one, when it resumes. */
  #readOnLater(subscription: Subscription): void {
    const { connection } = this.#session;
    subscription.pause();
    if (connection === null) return;
    this.#fallenBehind().add(subscription);
    connection.outbox.wake();
  }

  #fallenBehind(): Behind {
    this.#behind ??= new Behind(this.#session, this.#parts.counters);
    return this.#behind;
  }

  #unsubscribe(name: string): boolean {
    const subscription = this.#subscriptions.get(name);
    if (subscription === undefined) return false;
    this.#subscriptions.delete(name);
    this.#behind?.remove(subscription);
    subscription.pause();
    subscription.path.unsubscribe(subscription);
    this.#parts.dispatcher.release(subscription.path);
    this.#parts.counters.subscriptions--;
    if (!isInbox(name) && --this.#ordinary === 0) this.#parts.onSubscribed(-1);
    return true;
  }

  /** Grants outlive subscriptions, but not without bound: the oldest that are not in use give way. */
  #noteGrant(path: string): void {
    this.#granted ??= new Set();
    this.#granted.add(path);
    this.#denied?.delete(path);
    if (this.#granted.size <= 2 * this.#parts.maxSubscriptions) return;
    for (const oldest of this.#granted) {
      if (!this.#subscriptions.has(oldest)) return void this.#granted.delete(oldest);
    }
  }

  /** Denials are not without bound either: of a path that is not public it says but another word. */
  #noteDenial(path: string): void {
    this.#denied ??= new Set();
    this.#denied.add(path);
    if (this.#denied.size <= 2 * this.#parts.maxSubscriptions) return;
    for (const oldest of this.#denied) {
      if (!this.#parts.isPublic(oldest)) return void this.#denied.delete(oldest);
    }
  }

  #refuseOverdue(paths: readonly string[]): void {
    const refused = paths.map((path) => ({
      path,
      ...errorBody(this.#denied?.has(path) ? 'denied' : 'not_granted'),
    }));
    this.#session.tell(Frame.of({ type: 'refused', paths: refused }));
  }

  #positionOf(subscription: Subscription): Position | null {
    // As long as a gap is not told, the client stands before it.
    if (subscription.gap !== null) return subscription.gap.from;
    const log = subscription.path.log;
    return log === null ? null : { epoch: log.epoch, offset: subscription.cursor };
  }
}

/** Where a client begins on a path, or why it cannot. */
function placeIn({ log }: Path, { position }: SubscribeItem): Placement | ErrorCode {
  return placeInLog(log, position) ?? 'bad_position';
}
