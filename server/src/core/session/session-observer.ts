/** Reports events of sessions to a logger. An observer changes nothing and must not throw. */
import type { RefusedPath } from './path-owner.js';

/** A session, as an observer sees it. */
export interface ObservedSession {
  readonly id: string;
  readonly user: string | null;
  readonly connection: { readonly carrier: { readonly transport: string; readonly address: string } } | null;
}

/** The sessions that the back end ended: one, or those of a user or a login. */
export type KickTarget = { readonly id: string } | { readonly user: string } | { readonly login: string };

/** Observes sessions. */
export interface SessionObserver {
  /** Called when a connection has got a session. */
  opened(session: ObservedSession, isResumed: boolean): void;
  /** Called when a session was refused paths. */
  refused(session: ObservedSession, paths: readonly RefusedPath[]): void;
  /** Called when a session has ended. */
  ended(session: ObservedSession, why: 'ended' | 'kicked' | 'dismissed'): void;
  /** Called when the back end has ended sessions; `count` may be 0. */
  kicked(target: KickTarget, count: number, mayReturn: boolean): void;
}
