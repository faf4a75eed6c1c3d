/**
 * Follows the state of one path for those of its subscriptions that asked for it. One rule carries it: what
 * is held is whole at the position `#wholeAt`, and only updates and snapshots that pass through here move that
 * along with the path's own position. Whatever else moves the path (a gap, an end, another beginning) leaves
 * the two apart, and a snapshot is asked for the next time that the path is named.
 */
import type { Json, RefusedFrame, StateFrame, SubscribeItem, UpdateFrame } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import type { Listener } from '../emitter.js';
import type { Core } from '../features.js';
import type { Subscription, SubscriptionEvents } from '../subscription.js';
import type { Track } from '../track.js';

/** The whole state of a path at `position`; it replaces what was known before. */
export interface SnapshotEvent<Message = Json> {
  readonly path: string;
  readonly entries: ReadonlyMap<string, Message>;
  readonly position: Position;
  /** Whether keys may be missing: see `isPartial` of the subscription. */
  readonly isPartial: boolean;
}

/** What a subscription tells that follows a state. */
export interface StateSubscriptionEvents<Message = Json> extends SubscriptionEvents {
  /** The whole state has come, or was there already when the handler was added. */
  snapshot: SnapshotEvent<Message>;
}

/** One handler on one path whose state it follows. */
export interface StateSubscription<Message = Json> extends Subscription {
  /**
   * The newest message of each key, in the order of their last change; each change is here before handlers
   * hear of it. Empty before the first snapshot and when the subscription has ended. A map that was read never changes: the next
   * change makes another, so that two of them can be compared by identity.
   */
  readonly entries: ReadonlyMap<string, Message>;
  /** Whether `entries` is whole. False before the first snapshot, and from a gap until the snapshot after it. */
  readonly hasSnapshot: boolean;
  /**
   * Whether the snapshot that `entries` stands on may lack keys: Dobby crashed, and the back end has not published the whole state anew yet.
   * A key that is missing may exist then. Once the back end has said `complete`, another snapshot comes and this is false.
   */
  readonly isPartial: boolean;
  on<Name extends keyof StateSubscriptionEvents>(
    name: Name,
    listener: Listener<StateSubscriptionEvents<Message>[Name]>,
  ): () => void;
  /** @internal */
  tell<Name extends keyof StateSubscriptionEvents>(name: Name, event: StateSubscriptionEvents[Name]): void;
}

type Entries = ReadonlyMap<string, Json>;

const NOTHING: Entries = new Map();

/** The state of one path, as far as it has come. */
export class Follower {
  readonly #track: Track;
  readonly #core: Core;
  /** The subscriptions that follow, also those that have gone. */
  readonly #mine = new WeakSet<Subscription>();
  /** Those that joined when the state was there already, and are to be told of it. */
  #newcomers: StateSubscription[] = [];
  /** Null before the first snapshot. */
  #entries: Map<string, Json> | null = null;
  /** Whether `#entries` was read since it was made: it is then copied before it changes. */
  #isRead = false;
  #wholeAt: Position | null | undefined;
  /** Whether the newest snapshot may lack keys: the server has crashed, and the back end has not published all anew. */
  #isPartial = false;
  /** A snapshot that has begun. */
  #parts: StateFrame['entries'] | null = null;
  /** As what the path was last named; null when the server does not follow for us. */
  #named: 'snapshot' | 'changes' | null = null;

  constructor(track: Track, core: Core) {
    this.#track = track;
    this.#core = core;
  }

  /** Whether the entries are the whole state at the position that the path has reached. */
  get #isWhole(): boolean {
    return !!this.#wholeAt && this.#wholeAt === this.#track.position;
  }

  /** Whether anybody follows still. Else what is held is let go: it is not kept up to date any more. */
  #isFollowed(): boolean {
    const isFollowed = this.#followers.length > 0;
    if (!isFollowed) this.#letGo();
    return isFollowed;
  }

  get #followers(): StateSubscription[] {
    const all = this.#track.subscriptions;
    return all.filter((subscription): subscription is StateSubscription => this.#mine.has(subscription));
  }

  /** What a subscription sees, as long as it is on the path. */
  #entriesOf(subscription: Subscription): Entries {
    this.#isRead = true;
    return (this.#isOn(subscription) && this.#entries) || NOTHING;
  }

  /** A subscription of the path follows from now on. */
  add(subscription: Subscription): StateSubscription {
    if (!this.#mine.has(subscription)) {
      this.#mine.add(subscription);
      Object.defineProperties(subscription, {
        entries: { get: () => this.#entriesOf(subscription) },
        hasSnapshot: { get: () => this.#isOn(subscription) && this.#isWhole },
        isPartial: { get: () => this.#isOn(subscription) && this.#isPartial },
      });
      this.#newcomers.push(subscription as StateSubscription);
      queueMicrotask(() => this.#greet());
    }
    if (this.#named === null) this.#nameAgain();
    return subscription as StateSubscription;
  }

  /** What is added when the path is named. */
  fields(): Pick<SubscribeItem, 'state'> {
    if (!this.#isFollowed()) return {};
    this.#named = this.#isWhole ? 'changes' : 'snapshot';
    return { state: this.#named };
  }

  /** An update comes: what it changes is changed before the handlers hear of it. */
  update(frame: UpdateFrame, handOn: (frame: UpdateFrame) => void): void {
    const track = this.#track;
    this.#greet();
    if (this.#isFollowed() && track.expects(frame.position)) this.#change(frame);
    const isWhole = this.#isWhole;
    handOn(frame);
    if (isWhole) this.#wholeAt = track.position;
  }

  /** A part of a snapshot comes. */
  part({ position, entries, first, last, partial }: StateFrame): void {
    const track = this.#track;
    if (!this.#isFollowed() || !track.isHearing) return;
    if (first) this.#parts = [];
    this.#parts &&= this.#parts.concat(entries);
    if (!last || this.#parts === null) return;
    this.#entries = new Map(this.#parts.map(({ key, message }) => [key, message]));
    this.#isPartial = partial === true;
    this.#parts = null;
    this.#newcomers = [];
    this.#wholeAt = track.position; // for those who look while they are told
    for (const follower of this.#followers) this.#tellSnapshot(follower, position);
    track.position = this.#wholeAt = position;
  }

  /** `subscribed` is about to be taken for the path. */
  beforeSubscribed(): void {
    const { asked } = this.#track;
    if (asked !== 'heard') this.#parts = null; // of an older connection
    if (!asked) this.#named = null; // the back end connected it by itself, and knows nothing of states
  }

  /** `subscribed` was taken; what the server was told by then may not be what is needed. */
  afterSubscribed(): void {
    // Not named at all; or as whole, which it no longer is: a gap came while the connection was replaced.
    if (this.#isFollowed() && !this.#isWhole && this.#named !== 'snapshot') this.#nameAgain();
  }

  /**
   * The path was refused: says whether only because it was named with its state. Then the subscriptions that
   * follow it are refused, and the others go on.
   */
  refused({ path, code, message }: RefusedFrame['paths'][number]): boolean {
    const track = this.#track;
    if (code !== 'no_state' || this.#named === null || track.leaving > 0) return false;
    const followers = this.#followers;
    const refused = { path, code, message, retryable: false };
    track.subscriptions = track.subscriptions.filter((subscription) => !this.#mine.has(subscription));
    // What was heard before is heard on: the server refused no more than the state.
    if (track.asked === 'named') track.asked = false;
    this.#letGo();
    if (track.subscriptions.length === 0) this.#core.subscriptions.disconnect(path);
    this.#core.changed();
    for (const follower of followers) {
      follower.view = { path, state: 'refused', position: null };
      follower.tell('refused', refused);
    }
    if (followers.length > 0) this.#core.events.emit('refused', refused);
    return true;
  }

  #isOn(subscription: Subscription): boolean {
    return this.#track.subscriptions.includes(subscription);
  }

  #nameAgain(): void {
    this.#track.isDue = true;
    this.#core.changed();
  }

  #change({ key, message }: UpdateFrame): void {
    if (key === undefined || this.#entries === null) return;
    if (this.#isRead) this.#entries = new Map(this.#entries);
    this.#isRead = false;
    this.#entries.delete(key); // so that entries stand in the order of their last change, as in a snapshot
    if (message !== null) this.#entries.set(key, message);
  }

  #greet(): void {
    const newcomers = this.#newcomers;
    this.#newcomers = [];
    const { position } = this.#track;
    for (const newcomer of newcomers)
      if (position && this.#isWhole && this.#isOn(newcomer)) this.#tellSnapshot(newcomer, position);
  }

  #tellSnapshot(to: StateSubscription, position: Position): void {
    const { path } = this.#track;
    const entries = this.#entriesOf(to);
    to.tell('snapshot', { path, entries, position, isPartial: this.#isPartial });
  }

  /** Forgets the state: to the next who follows, the server counts as not asked. */
  #letGo(): void {
    this.#entries = this.#parts = this.#named = null;
    this.#wholeAt = undefined;
    this.#isPartial = false;
  }
}
