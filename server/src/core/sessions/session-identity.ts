/**
 * The identities of sessions: what tokens and the session view assert until it expires, and the users and logins to
 * which sessions are bound.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { TokenFrame } from '../../../../protocol/frames.js';
import type { Identity } from '../access/identity.js';
import { closingFrame } from '../session/connection.js';
import type { CoreContext } from '../session/core-context.js';
import type { Session } from '../session/session.js';
import { Frame } from '../wire/frame.js';
import { Bindings } from './bindings.js';

/** Called when an identity has changed. */
export interface IdentityListener {
  /** Called with a session that has a user from now on. */
  readonly onBound: (session: Session) => void;
  /** Called when the ticket of a session is out of date. */
  readonly onChange: (session: Session) => void;
  /** Called with a session whose newer token names another user. */
  readonly onMismatch: (session: Session) => void;
}

/** Returns whether an identity contradicts the user of a session: it names another user, or no user. */
export function isOtherUser(user: string | null, identity: Identity | null): boolean {
  return identity !== null && user !== null && user !== identity.user;
}

/** Binds sessions to users, and sets and renews their identities. */
export class SessionIdentity {
  readonly bindings = new Bindings();
  readonly #context: CoreContext;
  readonly #listener: IdentityListener;
  /** Sessions whose newer token is being read. */
  readonly #renewing = new WeakSet<Session>();

  constructor(context: CoreContext, listener: IdentityListener) {
    this.#context = context;
    this.#listener = listener;
  }

  /** Sets the identity of a session. The caller ends the paths that it may not hear any more. */
  identify(session: Session, identity: Identity): void {
    this.bind(session, identity.user, identity.login);
    session.setIdentity(identity);
  }

  /** Binds a session to its first user and its newest login; returns whether it has a user only from now on. */
  bind(session: Session, user: string | null, login: string | null): boolean {
    if (!this.bindings.bind(session, user, login) || user === null) return false;
    const { guard, revocations } = this.#context;
    guard.forget(session);
    // Grants and identities from before these revocations of the user do not count.
    for (const { path, at } of revocations.takenFrom(user)) session.paths.permissions.deny(path, at);
    this.#listener.onBound(session);
    return true;
  }

  /** Reads a newer token of a session and renews its identity. */
  takeToken(session: Session, { n, token }: TokenFrame): void {
    const refuse = (error: ErrorBody) => session.tell(Frame.of({ type: 'error', ...error, n }));
    if (this.#renewing.has(session)) {
      return refuse(errorBody('too_many_items', { message: 'One token after the other.' }));
    }
    this.#renewing.add(session);
    void this.#context.authProviders.tokens
      .identity(token, () => !session.isEnded)
      .then((read) => {
        this.#renewing.delete(session);
        const error = session.isEnded || this.#context.isFrozen() ? null : this.#renew(session, read);
        if (error !== null) refuse(error);
      });
  }

  /** Closes the connection of a session whose identity has expired; ends the paths of expired tokens. */
  expire(session: Session): void {
    const { clock, authProviders } = this.#context;
    const { identity, connection } = session;
    session.paths.expireTokens();
    if (identity?.expiresAt == null || identity.expiresAt > clock.now()) return;
    if (identity.source === 'token') {
      connection?.close(closingFrame('token_refused', { error: 'expired_token' }));
    } else if (authProviders.view !== null) connection?.close(closingFrame('identity_expired'));
  }

  /** Renews the identity of a session by a newer token; returns an error, or null. */
  #renew(session: Session, read: Outcome<Identity>): ErrorBody | null {
    if ('error' in read) return read.error;
    const identity = read.value;
    const { revocations, clock } = this.#context;
    if (revocations.isRevoked(identity)) return errorBody('revoked_token');
    if (isOtherUser(session.user, identity)) {
      this.#listener.onMismatch(session);
      return null;
    }
    const known = session.identity;
    // A connection may have brought a newer token meanwhile.
    const newest = known?.source === 'token' && known.at > identity.at ? known : identity;
    if (newest === identity) this.identify(session, identity);
    const expiresInMs = Math.max(0, (newest.expiresAt ?? 0) - clock.now());
    session.tell(Frame.of({ type: 'renewed', expiresInMs }));
    session.paths.recheck();
    this.#listener.onChange(session);
    return null;
  }
}
