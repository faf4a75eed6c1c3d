/**
 * The one way information moves inside Dobby, and its public extension point: a session, a logger,
 * a bridge to another system are all receivers.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';

/** What is known of an update beyond its message. */
export interface UpdateInfo {
  /** Where it stands in its path's log; null on a path without one. */
  readonly position: Position | null;
  /** Of which entry of the path's state it is the new value; null for none. */
  readonly key: string | null;
}

/** Anything that can be told of updates. */
export interface Receiver {
  /** Unique in the registry; never contains `->`. */
  readonly id: string;
  /**
   * Takes one update, in the order of its path. What it throws, or rejects with when it is async, is caught, logged and
   * reaches nobody else; nobody waits for its promise, or looks at anything else it answers. `update` is absent for messages that were not published to a path.
   */
  update(sender: string, path: string, message: Json, update?: UpdateInfo): unknown;
}

/** A receiver threw; whoever runs the server wants to know. */
export type OnReceiverFault = (receiver: Receiver, error: unknown) => void;

/** Tells one receiver and sees that its failure stays its own. */
export function tell(
  receiver: Receiver,
  [sender, path, message, update]: Parameters<Receiver['update']>,
  onFault: OnReceiverFault,
): void {
  try {
    const answer = receiver.update(sender, path, message, update);
    if (answer instanceof Promise) answer.catch((error) => onFault(receiver, error));
  } catch (error) {
    onFault(receiver, error);
  }
}
