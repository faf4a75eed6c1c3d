/**
 * The table of sessions: opens and resumes them, ends them, and does to them what a back end asks. An id that has
 * ended never returns.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../protocol/codes.js';
import type { CommandFrame, OpenFrame, SubscribeItem, TokenFrame } from '../../../protocol/frames.js';
import { Admission } from './admission.js';
import { Bindings } from './bindings.js';
import type { Clock, IdSource } from './clock.js';
import { type Comer, type Refusal, recognize, refusal } from './comer.js';
import type { CommandTaker } from './command-taker.js';
import { type Carrier, Connection, type ConnectionParts, closingFrame } from './connection.js';
import type { Flusher } from './flusher.js';
import { Frame } from './frame.js';
import type { HandoffTimes, SessionHandoff } from './handoff.js';
import type { Identity, Visitor } from './identity.js';
import { EVERYBODY } from './inbox.js';
import { type Found, Introductions, isSomebodyElse } from './introductions.js';
import { Liveness } from './liveness.js';
import { tableOf } from './path-table.js';
import type { Registry } from './registry.js';
import type { Revocations } from './revocations.js';
import { type NamedUser, Revoking } from './revoking.js';
import { Session, type SessionParts } from './session.js';
import type { GrantResult } from './session-paths.js';
import type { SessionSettings } from './session-settings.js';
import type { TicketClaims, TicketOffice } from './ticket.js';
import { TicketDesk } from './ticket-desk.js';
import type { TimerWheel } from './timer-wheel.js';

/** What the table stands on. */
export interface SessionsParts
  extends Pick<SessionParts, 'dispatcher' | 'counters' | 'isPublic' | 'authority'> {
  readonly registry: Registry;
  readonly flusher: Flusher;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly tickets: TicketOffice;
  readonly revocations: Revocations;
  readonly settings: SessionSettings;
  /** A revocation could not be written. */
  readonly onJournalFault: (error: unknown) => void;
}

/** A connection that was opened, or why it was not, with how its transport is to close. */
export type OpenOutcome = { readonly session: Session; readonly connection: Connection } | Refusal;

/** A client that comes, as far as its transport knows it. */
export interface Coming {
  /** What a back end is told of it; null for one about which nobody is asked. */
  readonly visitor: Visitor | null;
  /** Whether it has gone while it waited. */
  readonly isGone: () => boolean;
}

const NOBODY: Coming = { visitor: null, isGone: () => false };
const NOTHING: Found = { identity: null, refused: null };

interface Opening {
  readonly frame: OpenFrame;
  readonly carrier: Carrier;
  readonly found: Found;
}

/** A session is there for so long after the last place in the line of those who were refused. */
const LINE_MARGIN_MS = 5_000;

/** All sessions of this server. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #sessionParts: SessionParts;
  readonly #connectionParts: ConnectionParts;
  readonly #sessions = new Map<string, Session>();
  readonly #liveness: Liveness;
  readonly #desk: TicketDesk;
  readonly #admission: Admission;
  readonly #bindings = new Bindings();
  readonly #introductions: Introductions;
  /** Sessions whose newer token is being read. */
  readonly #renewing = new WeakSet<Session>();
  /** What a back end takes back. */
  readonly revoking: Revoking;
  #taker: CommandTaker | null = null;
  /** Whether something was ever told to everybody: from then on every session hears that. */
  #hasBroadcast = false;
  /** When the last client of the server before was asked to be back, on the monotonic clock. */
  #awaitedUntil = 0;
  #subscribed = 0;
  #connections = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#introductions = new Introductions(parts);
    this.revoking = new Revoking({
      ...parts,
      bindings: this.#bindings,
      sessions: this.#sessions,
      end: (session, why) => this.end(session, why),
    });
    this.#desk = new TicketDesk(parts.tickets, parts);
    this.#admission = new Admission({
      ...parts,
      perSecond: parts.settings.maxOpensPerSecond,
      maxWaitMs: parts.settings.sessionTtlMs - LINE_MARGIN_MS,
    });
    this.#liveness = new Liveness(parts, (session) => this.#look(session));
    this.#connectionParts = {
      flusher: parts.flusher,
      bounds: parts.settings.outbox,
      onEnd: (connection) => this.#ended(connection),
    };
    this.#sessionParts = {
      ...parts,
      grantWaitMs: parts.settings.grantWaitMs,
      maxSubscriptions: parts.settings.maxSubscriptions,
      maxTotalSubscriptions: parts.settings.maxTotalSubscriptions,
      onGrants: (session) => this.#desk.renewSoon(session),
      onSubscribed: (change) => {
        this.#subscribed += change;
      },
    };
  }

  /** The sessions by id, in the order they were opened. */
  get all(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Opens a session, or resumes the one of the frame's ticket, over `carrier`: at once, or when it was found out who is asking. The
   * promise never rejects. `visitor` is who comes, as a back end is told; without one nobody is asked. `isGone` says whether the client
   * has gone meanwhile.
   */
  open(
    frame: OpenFrame,
    carrier: Carrier,
    { visitor, isGone }: Coming = NOBODY,
  ): OpenOutcome | Promise<OpenOutcome> {
    const comer = this.#recognize(frame);
    if ('error' in comer) return comer;
    const refused = this.#mustWait(comer);
    if (refused !== null) return refused;
    const found = carrier.isRaw ? null : this.#introductions.of(frame, comer, visitor);
    if (found === null) return this.#openAs(comer, { frame, carrier, found: NOTHING });
    if ('error' in found) return found;
    return found.then((told) => {
      if ('error' in told) return told;
      return this.#openLater({ frame, carrier, found: told }, isGone());
    });
  }

  /** Much may have happened since it was asked who comes. */
  #openLater(opening: Opening, isGone: boolean): OpenOutcome {
    const comer = this.#recognize(opening.frame);
    if ('error' in comer) return comer;
    if (this.isFrozen) return this.#mustWait(comer) ?? refusal('restarting', 'restarting');
    if (isGone || this.#isFull(comer)) return refusal('too_many_sessions', 'busy');
    const user = 'session' in comer ? comer.session.user : 'claims' in comer ? comer.claims.user : null;
    if (!isSomebodyElse(user, opening.found)) return this.#openAs(comer, opening);
    this.#parting(comer);
    return this.#openAs({ refused: 'user_mismatch' }, opening);
  }

  #openAs(comer: Comer, { frame, carrier, found }: Opening): OpenOutcome {
    const { counters } = this.#parts;
    const session = this.#sessionOf(comer, carrier);
    if (found.identity !== null) this.#introduce(session, found.identity);
    const connection = this.#attach(session, carrier);
    const isResumed = !('refused' in comer);
    if (isResumed) counters.resumed++;
    else counters.opened++;
    if (!session.isRaw) this.#tellOpened(session, connection, comer);
    if (isResumed && found.identity !== null) session.paths.recheck();
    this.#subscribe(session, frame.paths ?? [], { isResumed, refused: found.refused });
    return { session, connection };
  }

  #tellOpened(session: Session, connection: Connection, comer: Comer): void {
    const { clock, settings } = this.#parts;
    const { identity } = session;
    const isResumed = !('refused' in comer);
    const expiresAt = identity?.source === 'token' ? identity.expiresAt : null;
    session.tell(
      Frame.of({
        type: 'opened',
        id: session.id,
        ticket: this.#desk.issue(session),
        connection: connection.number,
        resumed: isResumed,
        ...('refused' in comer && comer.refused !== null ? { refused: comer.refused } : {}),
        received: session.received,
        ...(isResumed && session.isForgotten ? { forgot: true } : {}),
        ...(expiresAt === null ? {} : { tokenExpiresInMs: Math.max(0, expiresAt - clock.now()) }),
        pingIntervalMs: settings.pingIntervalMs,
      }),
    );
  }

  /** The sessions that are bound to a user. */
  ofUser(user: string): Iterable<Session> {
    return this.#bindings.ofUser(user);
  }

  /** Says who takes commands; once, before anything is opened. */
  takeCommandsBy(taker: CommandTaker): void {
    this.#taker = taker;
  }

  /** A session gives a command. */
  takeCommand(session: Session, frame: CommandFrame): void {
    session.lastCommandAt = this.#parts.clock.now();
    this.#taker?.take(session, frame);
  }

  /** A session sends a newer token. */
  takeToken(session: Session, { n, token }: TokenFrame): void {
    if (this.#renewing.has(session)) {
      const error = errorBody('too_many_items', { message: 'One token after the other.' });
      return session.tell(Frame.of({ type: 'error', ...error, n }));
    }
    this.#renewing.add(session);
    void this.#parts.authority.tokens.identity(token).then((read) => {
      this.#renewing.delete(session);
      const error = session.isEnded ? null : this.#renew(session, read);
      if (error !== null) session.tell(Frame.of({ type: 'error', ...error, n }));
    });
  }

  /** What a newer token says counts from now on; an error says why not. */
  #renew(session: Session, read: Outcome<Identity>): ErrorBody | null {
    if ('error' in read) return read.error;
    const identity = read.value;
    const fault = this.#introductions.tokenFault(identity);
    if (fault !== null) return errorBody(fault);
    if (isSomebodyElse(session.user, { identity, refused: null })) {
      void this.end(session, 'kicked', true);
      return null;
    }
    this.#introduce(session, identity);
    const expiresInMs = Math.max(0, (identity.expiresAt ?? 0) - this.#parts.clock.now());
    session.tell(Frame.of({ type: 'renewed', expiresInMs }));
    session.paths.recheck();
    this.#desk.renewSoon(session);
    return null;
  }

  /** From now on every session hears what is told to everybody. */
  hearBroadcasts(): void {
    if (this.#hasBroadcast) return;
    this.#hasBroadcast = true;
    for (const session of this.#sessions.values()) if (!session.isRaw) session.paths.hearInbox(EVERYBODY);
  }

  /** The client was heard on a connection. */
  heard(session: Session, connection: Connection): void {
    session.lastContactAt = this.#parts.clock.now();
    connection.isPingUnanswered = false;
  }

  /** Ends a session for good; the promise says when that is safe from a restart. */
  end(
    session: Session,
    why: 'ended' | 'kicked' | 'dismissed',
    isUnattended = why === 'ended',
  ): Promise<void> {
    if (session.isEnded) return Promise.resolve();
    session.connection?.close(closingFrame(why));
    this.#end(session);
    if (session.isRaw) return Promise.resolve();
    const isEmpty = why === 'ended' && session.user === null && session.paths.granted.size === 0;
    const isFinal = why === 'dismissed';
    const revocation = { id: session.id, at: this.revoking.revokedAt([session]), isFinal, isEmpty };
    return this.#safe(this.#parts.revocations.add(revocation), isUnattended);
  }

  /**
   * Grants paths to a session and subscribes it to them; binds it to `user` when one is named, and to `login`. Errors:
   * `unknown_session`, `user_mismatch`, `login_ended`.
   */
  connect(id: string, paths: readonly string[], user?: NamedUser, login?: string): Outcome<GrantResult[]> {
    const found = this.revoking.find(id, user);
    if ('error' in found) return found;
    const { value: session } = found;
    if (login !== undefined && this.#parts.revocations.hasLoginEnded(login)) {
      return { error: errorBody('login_ended') };
    }
    this.#bind(session, user ?? null, login ?? null);
    return { value: session.paths.grant(paths) };
  }

  /**
   * The server stops: from now on nothing of a session changes any more by its client's doing, and no connection is opened. The clients
   * are to come back in slots, one after the other from `leastMs` on and no faster than connections are admitted.
   */
  freeze(leastMs: number): void {
    this.#admission.freeze(leastMs, this.#connections);
  }

  /** Whether the server stops, and takes no frames any more. */
  get isFrozen(): boolean {
    return this.#admission.isFrozen;
  }

  /** Closes up to `most` connections of a frozen server, and gives their clients their slots; true when more are left. */
  sendAway(most = Number.POSITIVE_INFINITY): boolean {
    let closed = 0;
    for (const { connection } of this.#sessions.values()) {
      if (connection === null) continue;
      if (closed++ >= most) return true;
      connection.close(closingFrame('restarting', { reconnectAfterMs: this.#admission.nextSlot() }));
    }
    return false;
  }

  /** How long after it was frozen the last client will be back, in milliseconds, when all are sent away at once. */
  get slotsMs(): number {
    return Math.max(this.#admission.slotsMs, this.#awaitedUntil - this.#parts.clock.monotonic());
  }

  /**
   * The sessions that clients may come back to, for the next server, as they are asked for. Those with the fewest paths come first, so
   * that a few with very many are in nobody's way, and among them who was heard last.
   */
  *handOver(): Generator<SessionHandoff> {
    const sessions = [...this.#sessions.values()].filter(({ isRaw }) => !isRaw);
    sessions.sort(
      (a, b) => a.paths.subscriptions.size - b.paths.subscriptions.size || b.lastContactAt - a.lastContactAt,
    );
    for (const session of sessions) yield session.handOver();
  }

  /**
   * Takes over the sessions of the server before. They wait for their clients, until the last one was asked to be back and
   * a session's time to live beyond. What has ended or was taken back since does not return, nor does a session whose
   * newest ticket has expired.
   */
  takeOver(sessions: Iterable<SessionHandoff>, { at, backBy }: HandoffTimes): void {
    const { clock, tickets, revocations, registry } = this.#parts;
    const now = clock.now();
    // The clock of the machine may have been set back since.
    const moreMs = Math.min(Math.max(0, backBy - Math.max(now, at)), tickets.lifetimeMs);
    this.#awaitedUntil = clock.monotonic() + moreMs;
    for (const handed of sessions) {
      const { id, ticketAt, openedAt, lastContactAt, lastCommandAt, received, isForgotten, ...rest } = handed;
      // It knows what was taken back up to its own last millisecond.
      const issuedAt = Math.max(at, ticketAt) + 1;
      const { user, login } = rest;
      if (registry.get(id) !== undefined) continue;
      if (revocations.endedBy({ id, user, login, issuedAt }) !== 'no') continue;
      if (now - ticketAt >= tickets.lifetimeMs) continue;
      const session = this.#remember({ id, ...rest, grants: rest.granted, issuedAt });
      Object.assign(session, { ticketAt, openedAt, lastContactAt, lastCommandAt, received, isForgotten });
      if (handed.state.version > 0) session.state.restore(handed.state.values, handed.state.version);
      session.paths.takeOver(handed.subscriptions);
      this.#hasBroadcast ||= session.paths.subscriptions.has(EVERYBODY);
      this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'), moreMs);
    }
  }

  /** Why no connection may be opened just now, with the time to come back where that is known; null when one may. */
  #mustWait(comer: Comer): Refusal | null {
    const wait = this.#admission.admit('session' in comer);
    if (wait !== null) {
      const { code, reconnectAfterMs } = wait;
      if (code === 'too_many_opens') this.#parts.counters.delayed++;
      return { ...refusal(code, code === 'restarting' ? 'restarting' : 'busy'), reconnectAfterMs };
    }
    return this.#isFull(comer) ? refusal('too_many_sessions', 'busy') : null;
  }

  #isFull(comer: Comer): boolean {
    const isFull = this.#sessions.size - this.#subscribed >= this.#parts.settings.maxIdleSessions;
    return 'refused' in comer && isFull;
  }

  #recognize({ ticket }: OpenFrame): Comer | Refusal {
    const { tickets, revocations, settings } = this.#parts;
    const { ticketsCarryGrants } = settings;
    return recognize(ticket, { tickets, revocations, sessions: this.#sessions, ticketsCarryGrants });
  }

  /** A session is another user's now: it is over, and its tickets with it. */
  #parting(comer: Comer): void {
    const { revocations, clock } = this.#parts;
    if ('session' in comer) void this.end(comer.session, 'kicked', true);
    else if ('claims' in comer) {
      void this.#safe(revocations.add({ id: comer.claims.id, at: clock.now() }), true);
    }
  }

  /** What was said of a session counts from now on. */
  #introduce(session: Session, identity: Identity): void {
    session.identity = identity;
    this.#bind(session, identity.user, identity.login);
    session.paths.say(identity);
  }

  #bind(session: Session, user: string | null, login: string | null): void {
    if (!this.#bindings.bind(session, user, login) || user === null) return;
    // What was said of the user before these were taken away counts no more.
    for (const { path, at } of this.#parts.revocations.takenFrom(user)) session.paths.deny(path, at);
  }

  #sessionOf(comer: Comer, { isRaw }: Carrier): Session {
    if ('session' in comer) return comer.session;
    if ('claims' in comer) return this.#remember(comer.claims);
    return this.#add(this.#parts.ids.sessionId(), isRaw);
  }

  /** A session that this server did not open, less what was taken from it since. */
  #remember(claims: TicketClaims): Session {
    const session = this.#add(claims.id, false);
    session.isForgotten = true;
    session.connectionNumber = claims.connection;
    session.paths.restore(claims.grants ?? [], claims.denied);
    this.#bindings.bind(session, claims.user, claims.login);
    if (claims.identity !== null) this.#introduce(session, claims.identity);
    for (const { path, at } of this.#parts.revocations.pathsTaken(claims)) session.paths.deny(path, at);
    return session;
  }

  #add(id: string, isRaw: boolean): Session {
    const session = new Session(id, this.#sessionParts, isRaw);
    this.#sessions.set(id, session);
    this.#parts.registry.register(session);
    return session;
  }

  #attach(session: Session, carrier: Carrier): Connection {
    const connection = new Connection(session, carrier, this.#connectionParts);
    this.#connections++;
    session.attach(connection);
    this.#liveness.watch(session, connection);
    return connection;
  }

  /** Looked at about every second. */
  #look(session: Session): void {
    const { clock, authority } = this.#parts;
    const { identity, connection } = session;
    session.paths.expirePasses();
    this.#desk.renewIfDue(session);
    if (identity?.expiresAt == null || identity.expiresAt > clock.now()) return;
    if (identity.source === 'token') {
      connection?.close(closingFrame('token_refused', { error: 'expired_token' }));
    } else if (authority.view !== null) connection?.close(closingFrame('identity_expired'));
  }

  /** A session without a connection waits for another for a while. */
  #ended(connection: Connection): void {
    const { session } = connection;
    this.#connections--;
    this.#liveness.unwatch(connection);
    if (!session.detach(connection) || session.isEnded) return;
    if (session.isRaw) this.#end(session);
    else this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'));
  }

  #subscribe(
    session: Session,
    items: readonly SubscribeItem[],
    { isResumed, refused }: { isResumed: boolean; refused: readonly string[] | null },
  ): void {
    const table = refused === null ? null : tableOf(refused);
    if (isResumed) session.paths.resume(items, table);
    else if (items.length > 0) session.paths.want(items, table);
    if (this.#hasBroadcast && !session.isRaw) session.paths.hearInbox(EVERYBODY);
  }

  #end(session: Session): void {
    if (session.isEnded) return;
    this.#sessions.delete(session.id);
    this.#bindings.forget(session);
    this.#liveness.forget(session);
    this.#desk.forget(session);
    session.end();
    this.#taker?.ended(session);
    this.#parts.registry.unregister(session.id);
  }

  /** What nobody waits for is at least logged when it fails. */
  #safe(writing: Promise<void>, isUnattended: boolean): Promise<void> {
    return isUnattended ? writing.catch(this.#parts.onJournalFault) : writing;
  }
}
