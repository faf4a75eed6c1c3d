/** The public extension point: sessions, loggers and bridges to other systems are receivers of updates. */
import type { Json } from '../../../../protocol/frames.js';
import type { UpdateInfo } from '../log/update.js';

/** Receives updates. */
export interface Receiver {
  /** Unique in the registry; never contains `->`. */
  readonly id: string;
  /**
   * Takes one update, in the order of its path. What it throws, or rejects with, is logged and reaches no other
   * receiver. Dobby does not wait for its promise and ignores its result. `update` is absent for messages that were not
   * published to a path.
   */
  update(sender: string, path: string, message: Json, update?: UpdateInfo): unknown;
}

/** Called when a receiver has thrown, to log it. */
export type OnReceiverFault = (receiver: Receiver, error: unknown) => void;

/** Delivers to one receiver and isolates its failure. */
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
