/**
 * What is shared between servers, behind one interface. The memory broker is one process; others put the
 * same behind a store. All pass the contract suite in test/brokers.
 */
import type { PathLog } from './path-log.js';
import type { Draft, Update } from './update.js';

/** Takes each update that the broker has accepted, in the order of its path. */
export type Deliver = (update: Update) => void;

/** Stores updates and hands them out. */
export interface Broker {
  /**
   * Gives the update its position, stores it and hands it to `deliver`, in one step that nothing comes
   * between. When it throws or rejects nothing was stored.
   */
  publish(draft: Draft): Update | Promise<Update>;
  /** The log of a path, made if need be and kept while held; null when the path's policy has none. */
  hold(path: string): PathLog | null;
  /** Says that nobody here holds the path's log any more. */
  release(path: string): void;
  /** Whom to hand updates to; called once, before anything else. */
  start(deliver: Deliver): void;
  /** Lets go of everything. Idempotent. */
  stop(): void;
}
