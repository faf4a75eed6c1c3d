/**
 * The one way information moves inside Dobby, and its public extension point: a session, a logger,
 * a bridge to another system are all receivers.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { UpdateInfo } from '../log/update.js';

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
