/** What `connect` returns for a handler that follows its path's state. */
import type { Json } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import type { Listener } from '../emitter.js';
import type { Subscription, SubscriptionEvents } from '../subscription.js';

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
