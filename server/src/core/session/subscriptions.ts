/**
 * The subscriptions of one session: where each stands, which are live, and which are behind and read on from the log as the
 * connection drains. Who may subscribe is not decided here.
 */
import { type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { AddressGuard, GuardedSession } from '../access/address-guard.js';
import type { Counters } from '../data/counters.js';
import type { Dispatcher } from '../hub/dispatcher.js';
import type { Path } from '../hub/path.js';
import { isInbox } from '../log/reserved-paths.js';
import { type ResumePoint, resumePointIn } from '../log/resume-point.js';
import type { Frame } from '../wire/frame.js';
import type { Verdict } from '../wire/outbox.js';
import { CatchUp } from './catch-up.js';
import type { SubscriptionSnapshot } from './session-snapshot.js';
import type { SubscribeResult } from './subscribe-result.js';
import { Subscription, type SubscriptionOwner } from './subscription.js';

/** What subscriptions need of their surroundings. */
export interface SubscriptionsParts {
  readonly dispatcher: Dispatcher;
  readonly counters: Counters;
  /** What sessions without a user hold. */
  readonly guard: AddressGuard;
}

/** Whose subscriptions they are. */
export interface SubscriptionsOwner extends SubscriptionOwner, GuardedSession {
  /** Puts a frame into the outbox; the verdict is the caller's to heed. */
  enqueue(frame: Frame): Verdict;
  /** Its first subscription that counts has begun (1), or the last one has ended (-1). */
  subscribedChanged(change: 1 | -1): void;
}

/** The subscriptions of a session. */
export class Subscriptions {
  readonly #session: SubscriptionsOwner;
  readonly #parts: SubscriptionsParts;
  readonly #all = new Map<string, Subscription>();
  /** Those that are not to messages to the session itself: these make it no less idle. */
  #ordinary = 0;
  /** Most sessions are never behind: it is made when it is needed. */
  #behind: CatchUp | null = null;

  constructor(session: SubscriptionsOwner, parts: SubscriptionsParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** The subscriptions by path. */
  get all(): ReadonlyMap<string, Subscription> {
    return this.#all;
  }

  /** How many count as the client's. */
  get ordinary(): number {
    return this.#ordinary;
  }

  /** The subscriptions, for the next server. */
  snapshot(): SubscriptionSnapshot[] {
    return [...this.#all.values()].map(({ path, start, cursor, state }) => ({
      path: path.name,
      start,
      // One that was lost before may be handed over in an epoch that has passed.
      isUnused: path.log?.nextOffset === 1 && path.log.epoch === start?.epoch,
      cursor,
      followsState: state !== null,
    }));
  }

  /** Takes over a subscription of the server before; it goes on when a connection has the session. */
  restore({ path: name, start, cursor, followsState }: SubscriptionSnapshot): void {
    const path = this.#parts.dispatcher.hold(name);
    const subscription = new Subscription(this.#session, path, start);
    // The path has another epoch when it was left out: its client then stands where it began, before a gap.
    if (start !== null && start.epoch === path.log?.epoch) subscription.cursor = cursor;
    else subscription.gap = resumePointIn(path.log, start)?.gap ?? null;
    if (followsState && path.state !== null) subscription.followState(true);
    this.#add(subscription);
  }

  /** Begins one where its client wants it, and tells it; or says why it cannot. */
  begin(item: SubscribeItem, result: SubscribeResult): Subscription | ErrorCode {
    const path = this.#parts.dispatcher.hold(item.path);
    const placement = placeIn(path, item);
    if (typeof placement === 'string') {
      this.#parts.dispatcher.release(path);
      return placement;
    }
    const subscription = new Subscription(this.#session, path, placement.start);
    this.#add(subscription);
    this.#settle(subscription, { placement, item }, result);
    return subscription;
  }

  #add(subscription: Subscription): void {
    subscription.path.subscribe(subscription);
    this.#all.set(subscription.path.name, subscription);
    this.#parts.counters.subscriptions++;
    if (isInbox(subscription.path.name)) return;
    this.#parts.guard.pathsChanged(this.#session, 1);
    if (++this.#ordinary === 1) this.#session.subscribedChanged(1);
  }

  /** A connection has taken the session: goes on from where its client is, or ends. */
  place(subscription: Subscription, item: SubscribeItem, result: SubscribeResult): void {
    const { path, state, ...plain } = item;
    if (state !== undefined && subscription.path.state === null) {
      result.refused.push({ path, ...errorBody('no_state') });
      return this.place(subscription, { path, ...plain }, result);
    }
    const placement = placeIn(subscription.path, { position: subscription.start, ...item });
    if (typeof placement !== 'string') return this.#settle(subscription, { placement, item }, result);
    this.end(item.path);
    result.refused.push({ path: item.path, ...errorBody(placement) });
  }

  /** Live when it is at the end of the log and owes neither a gap nor a snapshot; else behind. */
  #settle(
    subscription: Subscription,
    { placement: { start, gap }, item: { state } }: { placement: ResumePoint; item: SubscribeItem },
    result: SubscribeResult,
  ): void {
    subscription.cursor = start?.offset ?? 0;
    subscription.gap = gap;
    subscription.isSkipping = false;
    if (state === undefined) subscription.state = null;
    else subscription.followState(state === 'snapshot');
    // Where the client stands, not where the gap ends: should the gap not arrive, it is told again.
    const position = gap === null ? start : gap.from;
    result.heard(subscription.path.name, position);
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

  #fallenBehind(): CatchUp {
    this.#behind ??= new CatchUp(this.#session, this.#parts.counters);
    return this.#behind;
  }

  /** Ends one; false when there is none. */
  end(name: string): boolean {
    const subscription = this.#all.get(name);
    if (subscription === undefined) return false;
    this.#all.delete(name);
    this.#behind?.remove(subscription);
    subscription.pause();
    subscription.path.unsubscribe(subscription);
    this.#parts.dispatcher.release(subscription.path);
    this.#parts.counters.subscriptions--;
    if (isInbox(name)) return true;
    this.#parts.guard.pathsChanged(this.#session, -1);
    if (--this.#ordinary === 0) this.#session.subscribedChanged(-1);
    return true;
  }

  /** Without a connection nothing is enqueued, and nothing is kept of a snapshot that was being sent. */
  pause(): void {
    this.#behind?.clear();
    for (const subscription of this.#all.values()) {
      subscription.pause();
      if (subscription.state?.snapshot) subscription.followState(true);
    }
  }

  /** The outbox had no room for an update. */
  startCatchUp(subscription: Subscription): void {
    if (!subscription.isLive) return;
    this.#parts.counters.slow++;
    subscription.isSkipping = subscription.path.isSkipped;
    this.#session.connection?.outbox.wake();
    if (subscription.path.log === null) subscription.gap = { from: null, to: null, reason: 'no_log' };
    this.#fallenBehind().add(subscription);
  }

  /** What is behind is read anew: each is placed where its client is. */
  restart(): void {
    this.#behind?.clear();
  }

  /** One helping of what is behind; true when more is left. */
  readOn(): boolean {
    return this.#behind?.readOn() === true;
  }

  /** A path is named that is subscribed already: nothing changes, but a snapshot may be asked for. */
  again(subscription: Subscription, { path, state }: SubscribeItem, result: SubscribeResult): void {
    if (state !== undefined && subscription.path.state === null) {
      return void result.refused.push({ path, ...errorBody('no_state') });
    }
    result.heard(path, this.positionOf(subscription));
    if (state === undefined) return;
    if (state === 'snapshot' || subscription.state === null) subscription.followState(state === 'snapshot');
    if (state === 'snapshot') this.#readOnLater(subscription);
  }

  /** Sends a snapshot of the state, which it follows. */
  sendSnapshot(subscription: Subscription): void {
    subscription.followState(true);
    this.#readOnLater(subscription);
  }

  /** Where its client stands. */
  positionOf(subscription: Subscription): Position | null {
    // As long as a gap is not told, the client stands before it.
    if (subscription.gap !== null) return subscription.gap.from;
    const log = subscription.path.log;
    return log === null ? null : { epoch: log.epoch, offset: subscription.cursor };
  }
}

/** Where a client begins on a path, or why it cannot. */
function placeIn({ log }: Path, { position, last }: SubscribeItem): ResumePoint | ErrorCode {
  return resumePointIn(log, position, last) ?? 'bad_position';
}
