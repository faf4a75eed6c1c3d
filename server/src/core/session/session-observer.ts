/** What happens to sessions, for a logger. Nothing here changes anything, and nothing may throw. */
import type { ErrorBody } from '../../../../protocol/codes.js';

/** What an observer sees of a session. */
export interface ObservedSession {
  readonly id: string;
  readonly user: string | null;
  readonly connection: { readonly carrier: { readonly transport: string; readonly address: string } } | null;
}

/** A path that a session may not hear, and why. */
export type RefusedPath = ErrorBody & { readonly path: string };

/** Whose sessions were ended by the back end. */
export type KickTarget = { readonly id: string } | { readonly user: string } | { readonly login: string };

/** Told of sessions. */
export interface SessionObserver {
  /** A connection has got a session. */
  opened(session: ObservedSession, isResumed: boolean): void;
  /** A session was told that it may not hear paths. */
  refused(session: ObservedSession, paths: readonly RefusedPath[]): void;
  /** A session has ended. */
  ended(session: ObservedSession, why: 'ended' | 'kicked' | 'dismissed'): void;
  /** The back end has ended sessions; `count` may be 0. */
  kicked(target: KickTarget, count: number, mayReturn: boolean): void;
}
