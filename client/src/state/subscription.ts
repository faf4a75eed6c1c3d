/** What `connect` returns for a handler that follows its path's state. */
import type { Json } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import type { Listener } from '../emitter.js';
import type { Subscription, SubscriptionEvents } from '../subscription.js';

/** The whole state of a path at `position`; it replaces what was known before. */
export interface SnapshotEvent {
  readonly path: string;
  readonly entries: ReadonlyMap<string, Json>;
  readonly position: Position;
}

/** What a subscription tells that follows a state. */
export interface StateSubscriptionEvents extends SubscriptionEvents {
  /** The whole state has come, or was there already when the handler was added. */
  snapshot: SnapshotEvent;
}

/** One handler on one path whose state it follows. */
export interface StateSubscription extends Subscription {
  /**
   * The newest message of each key, in the order of their last change; each change is here before handlers
   * hear of it. Empty before the first snapshot and when the subscription has ended. A snapshot makes another map.
   */
  readonly entries: ReadonlyMap<string, Json>;
  /** Whether `entries` is whole. False before the first snapshot, and from a gap until the snapshot after it. */
  readonly hasSnapshot: boolean;
  on<Name extends keyof StateSubscriptionEvents>(
    name: Name,
    listener: Listener<StateSubscriptionEvents[Name]>,
  ): () => void;
  /** @internal */
  tell<Name extends keyof StateSubscriptionEvents>(name: Name, event: StateSubscriptionEvents[Name]): void;
}
