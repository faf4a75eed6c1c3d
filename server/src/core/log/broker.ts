/**
 * What is shared between servers, behind one interface. The memory broker is one process; others put the
 * same behind a store. All pass the contract suite in test/brokers.
 */
import type { ErrorBody, Outcome } from '../../../../protocol/codes.js';
import type { PathPolicy, PathStore } from './path-policy.js';
import type { Draft, Update } from './update.js';

/** Takes each update that the broker has accepted, in the order of its path. */
export type Deliver = (update: Update) => void;

/** Stores updates and hands them out. */
export interface Broker {
  /**
   * Gives the update its position, stores it, changes the path's state if it has a key, and hands it to `deliver`, in
   * one step that nothing comes between. When it answers with an error (`no_state`, `state_full`, `state_conflict`), throws or rejects,
   * nothing was stored.
   */
  publish(draft: Draft): Outcome<Update> | Promise<Outcome<Update>>;
  /** Why `publish` would refuse one of these now, were they published one after the other, or null. No key may be named twice. */
  fault(drafts: readonly Draft[]): ErrorBody | null | Promise<ErrorBody | null>;
  /**
   * What is kept of a path, made if need be and kept while held; null when the path's policy has no log.
   */
  hold(path: string): PathStore | null;
  /** What is kept of a path by its policy, whether or not anything is. */
  policyOf(path: string): PathPolicy;
  /** Says that the state of a path, made if need be, is whole, though states were lost. False when it may have none, or was whole. */
  complete(path: string): boolean;
  /** Says that nobody here holds the path any more. */
  release(path: string): void;
  /** Whom to hand updates to; called once, before anything else. */
  start(deliver: Deliver): void;
  /** Lets go of everything. Idempotent. */
  stop(): void;
}
