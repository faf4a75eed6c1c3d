/**
 * A session subscribed to a path. *Joining*: the tail of the path is not there yet. *Live*: updates go into the outbox as they are
 * delivered. *Catching up*: the session reads on from the log as its connection drains, until it has reached the end.
 */
import type { Position } from '../../../../protocol/positions.js';
import type { Path, PathListener } from '../hub/path.js';
import type { LogPage } from '../log/broker.js';
import type { Gap } from '../log/resume-point.js';
import type { Snapshot } from '../log/state-snapshot.js';
import type { Update } from '../log/update.js';
import { isHiddenFrom } from '../log/update.js';
import type { Outbox } from '../wire/outbox.js';
import type { Joining } from './joining.js';

/** What a subscription that follows the state of its path still has to be sent. */
export interface StateFollower {
  /** Whether a snapshot is due when the end of the log is reached. */
  isDue: boolean;
  /** The one that is being sent. */
  snapshot: Snapshot | null;
  /** The next part of it. */
  part: number;
}

/** Whose subscription it is. */
export interface SubscriptionOwner {
  readonly id: string;
  readonly connection: { readonly outbox: Outbox } | null;
  /** A live subscription found no room: it reads on from the log once the connection has drained. */
  startCatchUp(subscription: Subscription): void;
  /** Sends a snapshot of the state, which the subscription follows. */
  sendSnapshot(subscription: Subscription): void;
  /** The tail of its path is there. */
  joined(subscription: Subscription): void;
}

/** What a subscription has only while it is not live. */
interface Pending {
  gap: Gap | null;
  joining: Joining | null;
  page: LogPage | null;
  isSkipping: boolean;
}

/** A session's place in a path. */
export class Subscription implements PathListener {
  readonly owner: SubscriptionOwner;
  readonly path: Path;
  /** The last offset that was enqueued, or that need not be. */
  cursor = 0;
  /** Where updates go while it is live. Held here because a delivery should touch as little memory as it can. */
  #outbox: Outbox | null = null;
  /** Its index among the path's subscriptions; kept by the path. */
  index = -1;
  /** Where it began: a client that never said how far it is gets its replay from here. Null before it is placed, and without a log. */
  start: Position | null = null;
  /** Null when it does not follow the path's state. */
  state: StateFollower | null = null;
  /** Made when it is needed: a live subscription has nothing of it. */
  #pending: Pending | null = null;

  constructor(owner: SubscriptionOwner, path: Path) {
    this.owner = owner;
    this.path = path;
  }

  /** Whether updates are enqueued as they are published. */
  get isLive(): boolean {
    return this.#outbox !== null;
  }

  /** Enqueues updates on the session's connection from now on, if there is one: everything before is sent. */
  goLive(): void {
    this.#outbox = this.owner.connection?.outbox ?? null;
    this.#pending = null;
  }

  /** Enqueues nothing until it is live again. */
  pause(): void {
    this.#outbox = null;
  }

  /** What must be told before anything else of the path. */
  get gap(): Gap | null {
    return this.#pending?.gap ?? null;
  }

  set gap(gap: Gap | null) {
    if (gap !== null || this.#pending !== null) this.#own().gap = gap;
  }

  /** What it waits for; null once it is placed in its path. */
  get joining(): Joining | null {
    return this.#pending?.joining ?? null;
  }

  set joining(joining: Joining | null) {
    if (joining !== null || this.#pending !== null) this.#own().joining = joining;
  }

  /** Entries that are older than the tail of the path, as they were read from the store. */
  get page(): LogPage | null {
    return this.#pending?.page ?? null;
  }

  set page(page: LogPage | null) {
    if (page !== null || this.#pending !== null) this.#own().page = page;
  }

  /** Whether what newer updates replace is left out until it is live again. */
  get isSkipping(): boolean {
    return this.#pending?.isSkipping === true;
  }

  set isSkipping(isSkipping: boolean) {
    if (isSkipping || this.#pending !== null) this.#own().isSkipping = isSkipping;
  }

  #own(): Pending {
    this.#pending ??= { gap: null, joining: null, page: null, isSkipping: false };
    return this.#pending;
  }

  /** Takes one update while live. True when it was enqueued. The hot path: no allocation. */
  deliver(update: Update): boolean {
    const outbox = this.#outbox;
    if (outbox === null) return false;
    // It was placed after this update: the tail holds an update before it is delivered.
    if (update.position !== null && update.position.offset <= this.cursor) return false;
    if (this.path.isSkipped && outbox.isStalled) {
      this.owner.startCatchUp(this);
      return false;
    }
    const isHidden = !update.isForAll && isHiddenFrom(update, this.owner.id);
    if (!isHidden && outbox.add(update.frame) !== 'ok') {
      this.owner.startCatchUp(this);
      return false;
    }
    if (update.position !== null) this.cursor = update.position.offset;
    return !isHidden;
  }

  joined(): void {
    this.owner.joined(this);
  }

  sendSnapshot(): void {
    if (this.state !== null) this.owner.sendSnapshot(this);
  }

  /** Follows the path's state from now on, beginning with a snapshot if one `isDue`; what was being sent counts no more. */
  followState(isDue: boolean): void {
    this.state = { isDue, snapshot: null, part: 0 };
  }
}
