/**
 * Whose the sessions are: what tokens and the session view say of them, for as long as it holds, and to whom back ends bind them.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { TokenFrame } from '../../../../protocol/frames.js';
import type { AuthProviders, Identity } from '../access/identity.js';
import type { RevocationList } from '../access/revocation-list.js';
import { closingFrame } from '../session/connection.js';
import type { Session } from '../session/session.js';
import type { Clock } from '../time/clock.js';
import { Frame } from '../wire/frame.js';
import { Bindings } from './bindings.js';

/** What identities stand on. */
export interface SessionIdentityOptions {
  readonly authProviders: AuthProviders;
  readonly revocations: RevocationList;
  readonly clock: Clock;
  /** Whether the server stops: nothing of a session changes any more. */
  readonly isFrozen: () => boolean;
  /** Told of a session that has a user from now on. */
  readonly onBound: (session: Session) => void;
  /** Told when the ticket of a session says less than is known. */
  readonly onChange: (session: Session) => void;
  /** Told of a session that a newer token says to be somebody else's. */
  readonly onMismatch: (session: Session) => void;
}

/** Whether a session of one user cannot be of what is said now: of another user, or of nobody. */
export function isOtherUser(user: string | null, identity: Identity | null): boolean {
  return identity !== null && user !== null && user !== identity.user;
}

/** Knows whose the sessions are. */
export class SessionIdentity {
  readonly bindings = new Bindings();
  readonly #options: SessionIdentityOptions;
  /** Sessions whose newer token is being read. */
  readonly #renewing = new WeakSet<Session>();

  constructor(options: SessionIdentityOptions) {
    this.#options = options;
  }

  /** What is said of a session counts from now on; what it may not hear any more is not ended yet. */
  identify(session: Session, identity: Identity): void {
    this.bind(session, identity.user, identity.login);
    session.setIdentity(identity);
  }

  /** Binds a session to a user, where the first binding holds, and to a login, where the newest does; whether it is bound to the user only now. */
  bind(session: Session, user: string | null, login: string | null): boolean {
    if (!this.bindings.bind(session, user, login) || user === null) return false;
    this.#options.onBound(session);
    // What was said of the user before these were taken away counts no more.
    for (const { path, at } of this.#options.revocations.takenFrom(user)) session.paths.deny(path, at);
    return true;
  }

  /** A session sends a newer token. */
  takeToken(session: Session, { n, token }: TokenFrame): void {
    const refuse = (error: ErrorBody) => session.tell(Frame.of({ type: 'error', ...error, n }));
    if (this.#renewing.has(session)) {
      return refuse(errorBody('too_many_items', { message: 'One token after the other.' }));
    }
    this.#renewing.add(session);
    void this.#options.authProviders.tokens
      .identity(token, () => !session.isEnded)
      .then((read) => {
        this.#renewing.delete(session);
        const error = session.isEnded || this.#options.isFrozen() ? null : this.#renew(session, read);
        if (error !== null) refuse(error);
      });
  }

  /** Closes the connection of a session whose identity has expired, and ends what was heard by tokens that have. */
  expire(session: Session): void {
    const { clock, authProviders } = this.#options;
    const { identity, connection } = session;
    session.paths.expireTokens();
    if (identity?.expiresAt == null || identity.expiresAt > clock.now()) return;
    if (identity.source === 'token') {
      connection?.close(closingFrame('token_refused', { error: 'expired_token' }));
    } else if (authProviders.view !== null) connection?.close(closingFrame('identity_expired'));
  }

  /** What a newer token says counts from now on; an error says why not. */
  #renew(session: Session, read: Outcome<Identity>): ErrorBody | null {
    if ('error' in read) return read.error;
    const identity = read.value;
    const { revocations, clock, onMismatch, onChange } = this.#options;
    if (revocations.isRevoked(identity)) return errorBody('revoked_token');
    if (isOtherUser(session.user, identity)) {
      onMismatch(session);
      return null;
    }
    const known = session.identity;
    // A newer one may have come with a connection meanwhile.
    const newest = known?.source === 'token' && known.at > identity.at ? known : identity;
    if (newest === identity) this.identify(session, identity);
    const expiresInMs = Math.max(0, (newest.expiresAt ?? 0) - clock.now());
    session.tell(Frame.of({ type: 'renewed', expiresInMs }));
    session.paths.recheck();
    onChange(session);
    return null;
  }
}
