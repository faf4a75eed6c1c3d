/**
 * The one way information moves inside Dobby, and its public extension point: a session, a logger,
 * a bridge to another system are all receivers.
 */
import type { Json } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';

/** What is known of an update beyond its message. */
export interface UpdateInfo {
  /** Where it stands in its path's log; null on a path without one. */
  readonly position: Position | null;
}

/** Anything that can be told of updates. */
export interface Receiver {
  /** Unique in the registry; never contains `->`. */
  readonly id: string;
  /**
   * Takes one update, synchronously and in the order of its path. What it throws is caught, logged and
   * reaches nobody else. `update` is absent for messages that were not published to a path.
   */
  update(sender: string, path: string, message: Json, update?: UpdateInfo): void;
}
