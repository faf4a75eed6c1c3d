/**
 * The table of sessions: creates, restores, connects and ends them. `handshake.ts` opens connections,
 * `session-admin.ts` revokes. The id of an ended session never returns.
 */
import { type ErrorCode, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { OpenFrame, TokenFrame } from '../../../../protocol/frames.js';
import { allAnswers, type MaybePromise, mapAnswer } from '../data/maybe-promise.js';
import { BROADCAST_PATH } from '../log/reserved-paths.js';
import { type Carrier, Connection, closingFrame } from '../session/connection.js';
import type { CoreContext } from '../session/core-context.js';
import type { GrantResult } from '../session/grant-result.js';
import { Session, type SessionConnection, type SessionContext } from '../session/session.js';
import type { SessionSnapshot } from '../session/session-snapshot.js';
import { Admission } from './admission.js';
import type { HandshakeRequest } from './authenticator.js';
import { Features } from './features.js';
import { Handshake, type OpenOutcome, type SessionTable } from './handshake.js';
import { Liveness } from './liveness.js';
import { byWorth, graceMs, knownUntil, mayReturn, type RestoreTimes } from './restore.js';
import type { ResumeResult } from './resume-result.js';
import { type NamedUser, SessionAdmin } from './session-admin.js';
import { SessionIdentity } from './session-identity.js';
import { TicketRenewal } from './ticket-renewal.js';

/** All sessions of this server. */
export class Sessions {
  readonly #context: SessionContext;
  readonly #sessions = new Map<string, Session>();
  readonly #liveness: Liveness;
  readonly #tickets: TicketRenewal;
  readonly #admission: Admission;
  readonly #identity: SessionIdentity;
  readonly #handshake: Handshake;
  /** Revokes for back ends. */
  readonly admin: SessionAdmin;
  readonly features: Features;
  /** Whether there was ever a broadcast: from then on each session is subscribed to broadcasts. */
  #hasBroadcast = false;
  /** When the previous server asked its last client to be back, on the monotonic clock. */
  #awaitedUntil = 0;
  /** Why the session that is being ended ends: a raw one ends with its connection. */
  #reason: 'ended' | 'kicked' | 'dismissed' = 'ended';
  #subscribed = 0;
  #connections = 0;

  constructor(context: CoreContext) {
    this.#context = {
      ...context,
      onEnd: (connection) => this.#ended(connection),
      onGrants: (session) => this.#tickets.renewSoon(session),
      onSubscribed: (session, path, isFirst) => {
        if (isFirst) this.#idleChanged(session, false);
        this.features.call('subscribed', session, path);
      },
      onUnsubscribed: (session, path, isLast) => {
        if (isLast) this.#idleChanged(session, true);
        this.features.call('unsubscribed', session, path);
      },
      onRefused: (session, paths) => this.features.call('refused', session, paths),
    };
    this.features = new Features(context.onFeatureFault);
    this.#identity = new SessionIdentity(context, {
      onBound: (session) => this.features.call('bound', session),
      onChange: (session) => this.#tickets.renewSoon(session),
      onMismatch: (session) => void this.end(session, 'kicked', true),
    });
    this.admin = new SessionAdmin(context, {
      onKicked: (...kick) => this.features.call('kicked', ...kick),
      bindings: this.#identity.bindings,
      sessions: this.#sessions,
      end: (session, why) => this.end(session, why),
    });
    this.#tickets = new TicketRenewal(context);
    this.#admission = new Admission(context);
    this.#handshake = new Handshake(context, {
      features: this.features,
      admission: this.#admission,
      identity: this.#identity,
      tickets: this.#tickets,
      table: this.#table(),
    });
    this.#liveness = new Liveness(context, (session) => this.#look(session));
  }

  #table(): SessionTable {
    const { settings, ids } = this.#context;
    return {
      all: this.#sessions,
      isFull: () => this.#sessions.size - this.#subscribed >= settings.maxIdleSessions,
      create: (isRaw) => this.#add(ids.sessionId(), isRaw),
      restore: (snapshot, issuedAt) => this.#restore(snapshot, issuedAt),
      attach: (session, carrier) => this.#attach(session, carrier),
      hearBroadcasts: (session) => this.#hearBroadcasts(session),
      replace: (former) => this.#replace(former),
    };
  }

  /** Returns the sessions by id, in the order of opening. */
  get all(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  /** Returns the number of open connections. */
  get connections(): number {
    return this.#connections;
  }

  /** Opens a session, or resumes one; see `Handshake.open`. */
  open(frame: OpenFrame, carrier: Carrier, request?: HandshakeRequest): OpenOutcome | Promise<OpenOutcome> {
    return this.#handshake.open(frame, carrier, request);
  }

  /** Returns the sessions bound to a user. */
  ofUser(user: string): Iterable<Session> {
    return this.#identity.bindings.ofUser(user);
  }

  /** Reads a newer token of a session. */
  takeToken(session: Session, frame: TokenFrame): void {
    this.#identity.takeToken(session, frame);
  }

  /** Subscribes every session to broadcasts. Answers when all are subscribed, with an error code when one is not. */
  hearBroadcasts(): MaybePromise<ErrorCode | null> {
    this.#hasBroadcast = true;
    const joining: MaybePromise<ErrorCode | null>[] = [];
    for (const session of this.#sessions.values()) {
      const answer = this.#hearBroadcasts(session);
      if (answer !== null) joining.push(answer);
    }
    return mapAnswer(allAnswers(joining), (faults) => faults.find((fault) => fault !== null) ?? null);
  }

  /** Notes that the client was heard on a connection. */
  heard(session: Session, connection: SessionConnection): void {
    session.heard();
    connection.isPingUnanswered = false;
  }

  /** Ends a session for good; resolves when that is safe from a restart. */
  end(
    session: Session,
    why: 'ended' | 'kicked' | 'dismissed',
    isUnattended = why === 'ended',
  ): Promise<void> {
    if (session.isEnded) return Promise.resolve();
    this.#reason = why;
    session.connection?.close(closingFrame(why));
    this.#reason = 'ended';
    this.#end(session, why);
    if (session.isRaw) return Promise.resolve();
    const isEmpty = why === 'ended' && session.isUnknown;
    const isFinal = why === 'dismissed';
    const revocation = { id: session.id, at: this.admin.revokedAt([session]), isFinal, isEmpty };
    return this.#safe(this.#context.revocations.add(revocation), isUnattended);
  }

  /**
   * Grants paths to a session and subscribes it; binds it to `user` and `login` if they are named. Errors:
   * `unknown_session`, `user_mismatch`, `login_ended`.
   */
  connect(
    id: string,
    paths: readonly string[],
    user?: NamedUser,
    login?: string,
  ): MaybePromise<Outcome<GrantResult[]>> {
    const found = this.admin.find(id, user);
    if ('error' in found) return found;
    const { value: session } = found;
    if (login !== undefined && this.#context.revocations.hasLoginEnded(login)) {
      return { error: errorBody('login_ended') };
    }
    const isBoundNow = this.#identity.bind(session, user ?? null, login ?? null);
    const results = session.paths.grant(paths);
    if (isBoundNow) session.paths.recheck();
    return mapAnswer(results, (value) => ({ value }));
  }

  /**
   * Freezes all sessions, since the server stops: clients change nothing any more, and no connection is opened. The
   * clients come back in slots, from `leastMs` on and no faster than connections are admitted.
   */
  freeze(leastMs: number): void {
    this.#admission.freeze(leastMs, this.#connections);
  }

  /** Returns whether the server stops and takes no more frames. */
  get isFrozen(): boolean {
    return this.#admission.isFrozen;
  }

  /** Closes up to `most` connections and gives their clients slots to come back in; returns true when more are left. */
  sendAway(most = Number.POSITIVE_INFINITY): boolean {
    let closed = 0;
    for (const { connection } of this.#sessions.values()) {
      if (connection === null) continue;
      if (closed++ >= most) return true;
      connection.close(closingFrame('restarting', { reconnectAfterMs: this.#admission.nextSlot() }));
    }
    return false;
  }

  /** Returns how many milliseconds after `freeze` the last client is back, when all are disconnected at once. */
  get slotsMs(): number {
    return Math.max(this.#admission.slotsMs, this.#awaitedUntil - this.#context.clock.monotonic());
  }

  /** Returns what the next server needs of each session, made when it is read. */
  *snapshots(): Generator<SessionSnapshot> {
    for (const session of byWorth(this.#sessions.values())) yield session.snapshot();
  }

  /**
   * Restores the sessions of the previous server. They wait for the last client's time to come back, and for a
   * session's time to live beyond.
   */
  restore(snapshots: Iterable<SessionSnapshot>, times: RestoreTimes): void {
    const { clock } = this.#context;
    const moreMs = graceMs(times, this.#context);
    this.#awaitedUntil = clock.monotonic() + moreMs;
    for (const snapshot of snapshots) {
      if (this.#sessions.has(snapshot.id) || !mayReturn(snapshot, times, this.#context)) continue;
      const session = this.#restore(snapshot, knownUntil(snapshot, times));
      this.#hasBroadcast ||= session.paths.subscriptions.has(BROADCAST_PATH);
      this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'), moreMs);
    }
  }

  #hearBroadcasts(session: Session): MaybePromise<ErrorCode | null> {
    return this.#hasBroadcast && !session.isRaw ? session.paths.hearInbox(BROADCAST_PATH) : null;
  }

  /** Ends the session of a ticket for good, since its client is another user now. */
  #replace(former: ResumeResult): void {
    if ('session' in former) void this.end(former.session, 'kicked', true);
    else if ('claims' in former) {
      const { revocations, clock } = this.#context;
      void this.#safe(revocations.add({ id: former.claims.id, at: clock.now() }), true);
    }
  }

  /** Restores a session from a snapshot, without what was revoked since `issuedAt`. All sessions come back this way. */
  #restore(snapshot: SessionSnapshot, issuedAt: number): Session {
    const { id, user, login, identity, granted: grants, subscriptions } = snapshot;
    const session = this.#add(id, false);
    // Binding denies the user's revoked paths; some may have been granted again since.
    this.#identity.bind(session, user, login);
    session.restore(snapshot);
    if (identity !== null) this.#identity.identify(session, identity);
    const taken = this.#context.revocations.pathsTaken({ id, user, grants, issuedAt });
    for (const { path, at } of taken) session.paths.permissions.deny(path, at);
    if (subscriptions.length > 0) session.paths.restoreSubscriptions(subscriptions);
    this.features.call('restored', session);
    return session;
  }

  #idleChanged(session: Session, isIdle: boolean): void {
    this.#subscribed += isIdle ? -1 : 1;
    this.#context.guard.idleChanged(session, isIdle);
  }

  #add(id: string, isRaw: boolean): Session {
    const session = new Session(id, this.#context, isRaw);
    this.#sessions.set(id, session);
    this.#context.registry.register(session);
    return session;
  }

  #attach(session: Session, carrier: Carrier): SessionConnection {
    const connection = new Connection(session, carrier, this.#context);
    this.#connections++;
    session.attach(connection);
    this.#context.guard.attached(session, carrier.address);
    this.#liveness.watch(session, connection);
    return connection;
  }

  /** Renews the ticket and checks the identity, about every second. */
  #look(session: Session): void {
    this.#tickets.renewIfDue(session);
    this.#identity.expire(session);
  }

  /** Lets the session of a closed connection wait for its next one. */
  #ended(connection: SessionConnection): void {
    const { owner: session } = connection;
    this.#connections--;
    this.#liveness.unwatch(connection);
    if (!session.detach(connection) || session.isEnded) return;
    this.#context.guard.detached(session);
    this.features.call('detached', session);
    if (session.isRaw) this.#end(session, this.#reason);
    else this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'));
  }

  #end(session: Session, why: 'ended' | 'kicked' | 'dismissed'): void {
    if (session.isEnded) return;
    this.#sessions.delete(session.id);
    this.#identity.bindings.forget(session);
    this.#liveness.forget(session);
    this.#tickets.forget(session);
    session.end();
    this.#context.guard.forget(session);
    this.features.call('ended', session, why);
    this.#context.registry.unregister(session.id);
  }

  /** Logs a failed write that has no caller to reject. */
  #safe(writing: Promise<void>, isUnattended: boolean): Promise<void> {
    return isUnattended ? writing.catch(this.#context.onJournalFault) : writing;
  }
}
