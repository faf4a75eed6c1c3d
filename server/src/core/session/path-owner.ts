/** The session, as the parts that keep its paths see it. */
import type { ErrorBody } from '../../../../protocol/codes.js';
import type { GuardedSession } from '../access/address-guard.js';
import type { Identity } from '../access/identity.js';
import type { Frame } from '../wire/frame.js';
import type { Outbox, Verdict } from '../wire/outbox.js';

/** A path that a session may not hear, and why. */
export type RefusedPath = ErrorBody & { readonly path: string };

/** The part of a session that its subscriptions and decisions use. */
export interface PathOwner extends GuardedSession {
  readonly id: string;
  /** Whether its client holds no ticket. */
  readonly isRaw: boolean;
  readonly isEnded: boolean;
  readonly login: string | null;
  readonly identity: Identity | null;
  readonly connection: { readonly outbox: Outbox } | null;
  /** The last upstream number that had taken effect, for decisions about paths. */
  readonly asOf: { readonly received?: number };
  /** Adds a frame to the outbox; the caller heeds the verdict. */
  enqueue(frame: Frame): Verdict;
  /** Adds a frame that must not be left out. */
  tell(frame: Frame): void;
  /** Sends the client the paths that it may not hear. */
  tellRefused(paths: readonly RefusedPath[]): void;
  /** Called when what the session may hear has changed. */
  grantsChanged(): void;
  /** Called when a subscription that counts has begun; `isFirst`: there was none. */
  subscribed(path: string, isFirst: boolean): void;
  /** Called when a subscription that counts has ended; `isLast`: there is none left. */
  unsubscribed(path: string, isLast: boolean): void;
}
