/**
 * The subscriptions of one session: where each stands, which are live, and which catch up from the log as the connection drains. One whose
 * path is not joined yet is *joining*: `subscribed` is sent when its tail is there. `path-decisions.ts` decides who may subscribe.
 */
import type { ErrorCode } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import { isPromise, type MaybePromise } from '../data/maybe-promise.js';
import type { LogPage } from '../log/broker.js';
import { isInbox } from '../log/reserved-paths.js';
import { isAhead, type ResumePoint, reaches, resumePointIn } from '../log/resume-point.js';
import { CatchUp } from './catch-up.js';
import type { CoreContext } from './core-context.js';
import { Joining, type JoinOutcome } from './joining.js';
import type { PathOwner } from './path-owner.js';
import type { SubscriptionSnapshot } from './session-snapshot.js';
import type { SubscribeResult } from './subscribe-result.js';
import { Subscription, type SubscriptionOwner } from './subscription.js';

/** Hears what becomes of joining subscriptions. */
export interface JoinListener {
  /** The tails of these are there: they are to be given to `settle`. */
  settleJoined(subscriptions: readonly Subscription[]): void;
  /** The path of this one could not be joined in time: it is to be ended. */
  refuseUnavailable(subscription: Subscription): void;
}

/** The subscriptions of a session. */
export class Subscriptions implements SubscriptionOwner {
  readonly #session: PathOwner;
  readonly #context: CoreContext;
  readonly #listener: JoinListener;
  readonly #all = new Map<string, Subscription>();
  /** Those that are not to messages to the session itself: these make it no less idle. */
  #ordinary = 0;
  /** Made when it is needed: most sessions never catch up. */
  #catchUp: CatchUp | null = null;
  /** Those whose tails have come in this turn; null for none. */
  #joined: Subscription[] | null = null;

  constructor(session: PathOwner, context: CoreContext, listener: JoinListener) {
    this.#session = session;
    this.#context = context;
    this.#listener = listener;
  }

  get id(): string {
    return this.#session.id;
  }

  get connection(): SubscriptionOwner['connection'] {
    return this.#session.connection;
  }

  /** The subscriptions by path. */
  get all(): ReadonlyMap<string, Subscription> {
    return this.#all;
  }

  /** How many count as the client's. */
  get ordinary(): number {
    return this.#ordinary;
  }

  /** Returns the subscriptions as data. */
  snapshot(): SubscriptionSnapshot[] {
    // One that never stood anywhere is named again by its client.
    const placed = [...this.#all.values()].filter(({ joining, start }) => joining === null || start !== null);
    return placed.map(({ path, start, cursor, state }) => ({
      path: path.name,
      start,
      // One that was lost before may stand in an epoch that has passed.
      isUnused: path.log?.head.offset === 0 && path.log.epoch === start?.epoch,
      cursor,
      followsState: state !== null,
    }));
  }

  /** Restores a subscription of the server before; it goes on when a connection has the session. */
  restore({ path: name, start, cursor, followsState }: SubscriptionSnapshot): void {
    const path = this.#context.dispatcher.hold(name);
    const subscription = new Subscription(this, path);
    subscription.start = start;
    subscription.cursor = cursor;
    if (followsState && path.hasState) subscription.followState(true);
    this.#add(subscription);
    if (path.isJoined) noteEpoch(subscription);
  }

  /** Begins one where its client wants it, now or when its path is joined; or returns why it cannot. */
  begin(item: SubscribeItem, result: SubscribeResult): Subscription | ErrorCode {
    const path = this.#context.dispatcher.hold(item.path);
    const subscription = new Subscription(this, path);
    this.#add(subscription);
    const fault = this.#settle(subscription, item, result);
    if (fault === null) return subscription;
    this.end(item.path);
    return fault;
  }

  #add(subscription: Subscription): void {
    subscription.path.subscribe(subscription);
    this.#all.set(subscription.path.name, subscription);
    this.#context.counters.subscriptions++;
    if (isInbox(subscription.path.name)) return;
    this.#context.guard.pathsChanged(this.#session, 1);
    this.#session.subscribed(subscription.path.name, ++this.#ordinary === 1);
  }

  /** A connection has taken the session: goes on from where its client is, or ends. */
  resume(subscription: Subscription, item: SubscribeItem, result: SubscribeResult): void {
    const { path, state, ...plain } = item;
    if (state !== undefined && !subscription.path.hasState) {
      result.refuse(path, 'no_state');
      return this.resume(subscription, { path, ...plain }, result);
    }
    const { joining, start } = subscription;
    const from = joining !== null && start === null ? joining.item : { position: start };
    const fault = this.#settle(subscription, { ...from, ...item }, result);
    if (fault === null) return;
    this.end(path, fault);
    result.refuse(path, fault);
  }

  /** Places a subscription whose tail has come. Returns why it cannot be placed, or null: it is placed, or joining still. */
  settle(subscription: Subscription, result: SubscribeResult): ErrorCode | null {
    const { joining } = subscription;
    return joining === null ? null : this.#settle(subscription, joining.item, result);
  }

  #settle(subscription: Subscription, item: SubscribeItem, result: SubscribeResult): ErrorCode | null {
    const { path, joining } = subscription;
    if (!path.isJoined) return this.#await(subscription, item);
    const { log } = path;
    let known: LogPage | null = null;
    if (log !== null && !reaches(log, item)) {
      const isLookedUp = joining?.item === item && joining.page !== null;
      const page = isLookedUp ? joining.page : this.#context.broker.read(path.name, HEAD_ONLY);
      if (isPromise(page)) return this.#lookUp(subscription, item, page);
      known = page;
      if (known !== null && isAhead(known.head, item.position)) return 'bad_position';
      // The delivery of what the client has already is under way: until then the tail is older than the client.
      if (isAhead(log.head, item.position)) {
        path.wakeAtNext(subscription);
        return this.#await(subscription, item, page);
      }
    }
    this.#place(subscription, { point: resumePointIn(log, item, known?.floor), item }, result);
    joining?.end(this.positionOf(subscription));
    subscription.joining = null;
    return null;
  }

  /** Waits for the tail of the path; a client that knows a position waits as long as it takes. */
  #await(subscription: Subscription, item: SubscribeItem, page: LogPage | null = null): null {
    const { joining } = subscription;
    subscription.pause();
    this.#catchUp?.remove(subscription);
    if (joining !== null) {
      joining.item = item;
      joining.page = page;
      return null;
    }
    const { wheel, settings } = this.#context;
    const isResumed = item.position !== undefined;
    const giveUp = (): void => this.#listener.refuseUnavailable(subscription);
    const deadline = isResumed ? null : wheel.after(settings.grantWaitMs, giveUp);
    subscription.joining = new Joining(item, { page, deadline });
    return null;
  }

  /** Asks the store about what the tail does not reach: it may be behind the log, or hold less of it. */
  #lookUp(subscription: Subscription, item: SubscribeItem, answer: PromiseLike<LogPage | null>): null {
    this.#await(subscription, item);
    const joining = subscription.joining as Joining;
    const ready = (): void => {
      if (subscription.joining === joining) this.joined(subscription);
    };
    answer.then(
      (page) => {
        if (joining.item === item) joining.page = page;
        ready();
      },
      () => this.#context.wheel.after(LOOK_UP_AGAIN_MS, ready),
    );
    return null;
  }

  /** The tail of a joining subscription is there: tells all of this turn together. */
  joined(subscription: Subscription): void {
    if (subscription.joining === null) return noteEpoch(subscription);
    if (this.#joined !== null) return void this.#joined.push(subscription);
    this.#joined = [subscription];
    const settleJoined = (): void => {
      const joined = (this.#joined ?? []).filter((each) => each.joining !== null);
      this.#joined = null;
      if (joined.length > 0) this.#listener.settleJoined(joined);
    };
    this.#context.clock.soon(settleJoined);
  }

  /** Live when it is at the end of the log and owes neither a gap nor a snapshot; else it catches up. */
  #place(
    subscription: Subscription,
    { point: { start, gap }, item: { state } }: { point: ResumePoint; item: SubscribeItem },
    result: SubscribeResult,
  ): void {
    subscription.start ??= start;
    subscription.cursor = start?.offset ?? 0;
    subscription.gap = gap;
    subscription.page = null;
    subscription.isSkipping = false;
    if (state === undefined) subscription.state = null;
    else subscription.followState(state === 'snapshot');
    // Where the client stands, not where the gap ends: should the gap not arrive, it is sent again.
    const position = gap === null ? start : gap.from;
    result.heard(subscription.path.name, position);
    const head = subscription.path.log?.head.offset ?? 0;
    const isAtEnd = gap === null && subscription.cursor >= head && state !== 'snapshot';
    if (isAtEnd) subscription.goLive();
    else this.#readOnLater(subscription);
  }

  /** Lets it catch up when the connection has written what waits; without one, when the session resumes. */
  #readOnLater(subscription: Subscription): void {
    const { connection } = this.#session;
    subscription.pause();
    if (connection === null) return;
    this.#catchUps().add(subscription);
    connection.outbox.wake();
  }

  #catchUps(): CatchUp {
    this.#catchUp ??= new CatchUp(this.#session, this.#context);
    return this.#catchUp;
  }

  /** Ends a subscription; returns false when there is none. `outcome` answers a grant that waits for it. */
  end(name: string, outcome: JoinOutcome = null): boolean {
    const subscription = this.#all.get(name);
    if (subscription === undefined) return false;
    this.#all.delete(name);
    subscription.joining?.end(outcome);
    subscription.joining = null;
    this.#catchUp?.remove(subscription);
    subscription.pause();
    subscription.path.unsubscribe(subscription);
    this.#context.dispatcher.release(subscription.path);
    this.#context.counters.subscriptions--;
    if (isInbox(name)) return true;
    this.#context.guard.pathsChanged(this.#session, -1);
    this.#session.unsubscribed(name, --this.#ordinary === 0);
    return true;
  }

  /** Without a connection nothing is enqueued, and nothing is kept of a snapshot that was being sent. */
  pause(): void {
    this.#catchUp?.clear();
    for (const subscription of this.#all.values()) {
      subscription.pause();
      subscription.page = null;
      if (subscription.state?.snapshot) subscription.followState(true);
    }
  }

  /** The outbox had no room for an update. */
  startCatchUp(subscription: Subscription): void {
    if (!subscription.isLive || subscription.joining !== null) return;
    this.#context.counters.slow++;
    subscription.isSkipping = subscription.path.isSkipped;
    this.#session.connection?.outbox.wake();
    if (subscription.path.log === null) subscription.gap = { from: null, to: null, reason: 'no_log' };
    this.#catchUps().add(subscription);
  }

  /** Forgets what catches up: each subscription is placed anew. */
  restart(): void {
    this.#catchUp?.clear();
  }

  /** Sends one helping to those that catch up; true when more is left. */
  readOn(): boolean {
    return this.#catchUp?.readOn() === true;
  }

  /** A path is named that is subscribed already: nothing changes, but a snapshot may be asked for. */
  again(subscription: Subscription, item: SubscribeItem, result: SubscribeResult): void {
    const { path, state } = item;
    if (state !== undefined && !subscription.path.hasState) {
      return result.refuse(path, 'no_state');
    }
    const { joining } = subscription;
    if (joining !== null) {
      if (state !== undefined) this.#await(subscription, { ...joining.item, state });
      return;
    }
    result.heard(path, this.positionOf(subscription));
    if (state === undefined) return;
    if (state === 'snapshot' || subscription.state === null) subscription.followState(state === 'snapshot');
    if (state === 'snapshot') this.#readOnLater(subscription);
  }

  /** Sends a snapshot of the state, which it follows. */
  sendSnapshot(subscription: Subscription): void {
    if (subscription.joining !== null) return;
    subscription.followState(true);
    this.#readOnLater(subscription);
  }

  /** Answers where it stands once it is placed; `store_unavailable` when its path could not be joined in time. */
  whenPlaced(subscription: Subscription): MaybePromise<JoinOutcome> {
    const { joining } = subscription;
    if (joining === null) return this.positionOf(subscription);
    const { wheel, settings } = this.#context;
    return new Promise((resolve) => {
      const timer = wheel.after(settings.grantWaitMs, () => resolve('store_unavailable'));
      joining.onEnd((outcome) => {
        timer.cancel();
        resolve(outcome);
      });
    });
  }

  /** Returns where its client stands. */
  positionOf(subscription: Subscription): Position | null {
    // As long as a gap is not told, the client stands before it.
    if (subscription.gap !== null) return subscription.gap.from;
    const { path, start, cursor } = subscription;
    if (path.log !== null) return { epoch: path.log.epoch, offset: cursor };
    // Restored, and not joined yet.
    return path.isJoined || start === null ? null : { epoch: start.epoch, offset: cursor };
  }
}

/** A restored subscription stands before a gap where its log has begun anew. */
function noteEpoch(subscription: Subscription): void {
  const { log } = subscription.path;
  const { start } = subscription;
  if (log === null || start === null || start.epoch === log.epoch) return;
  subscription.gap = { from: start, to: { epoch: log.epoch, offset: 0 }, reason: 'restarted' };
}

const HEAD_ONLY = { limit: 0, maxCharacters: 0 };
/** After a look-up that failed, in milliseconds. */
const LOOK_UP_AGAIN_MS = 1_000;
