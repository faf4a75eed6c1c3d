/**
 * The table of sessions: opens and resumes them, ends them, and does to them what a back end asks. An id that has
 * ended never returns.
 */
import { errorBody, type Outcome } from '../../../protocol/codes.js';
import type { CommandFrame, OpenFrame, SubscribeItem, TokenFrame } from '../../../protocol/frames.js';
import { pathFault } from '../../../protocol/paths.js';
import { Admission } from './admission.js';
import type { Clock, IdSource } from './clock.js';
import { type Comer, type Refusal, recognize, refusal } from './comer.js';
import type { CommandTaker } from './command-taker.js';
import { type Carrier, Connection, type ConnectionParts, closingFrame } from './connection.js';
import type { Flusher } from './flusher.js';
import { Frame } from './frame.js';
import type { HandoffTimes, SessionHandoff } from './handoff.js';
import { EVERYBODY } from './inbox.js';
import { Liveness } from './liveness.js';
import type { Registry } from './registry.js';
import type { Revocations } from './revocations.js';
import { Session, type SessionParts } from './session.js';
import type { GrantResult, RevokeResult } from './session-paths.js';
import type { SessionSettings } from './session-settings.js';
import type { TicketClaims, TicketOffice } from './ticket.js';
import { TicketDesk } from './ticket-desk.js';
import type { TimerWheel } from './timer-wheel.js';
import { Users } from './users.js';

/** The user that a back end names: null for a session that belongs to nobody, undefined to leave it open. */
export type NamedUser = string | null | undefined;

/** What the table stands on. */
export interface SessionsParts extends Pick<SessionParts, 'dispatcher' | 'counters' | 'isPublic'> {
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
  readonly #startedAt: number;
  readonly #users = new Users();
  #taker: CommandTaker | null = null;
  /** Whether something was ever told to everybody: from then on every session hears that. */
  #hasBroadcast = false;
  /** When the last client of the server before was asked to be back, on the monotonic clock. */
  #awaitedUntil = 0;
  #subscribed = 0;
  #connections = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#desk = new TicketDesk(parts.tickets, parts);
    this.#admission = new Admission({
      ...parts,
      perSecond: parts.settings.maxOpensPerSecond,
      maxWaitMs: parts.settings.sessionTtlMs - LINE_MARGIN_MS,
    });
    this.#liveness = new Liveness(parts, (session) => this.#desk.renewIfDue(session));
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

  /** Opens a session, or resumes the one of the frame's ticket, over `carrier`. */
  open(frame: OpenFrame, carrier: Carrier): OpenOutcome {
    const { tickets, revocations, counters, settings } = this.#parts;
    const { ticketsCarryGrants } = settings;
    const comer = recognize(frame.ticket, {
      ...{ tickets, revocations, sessions: this.#sessions, ticketsCarryGrants },
    });
    if ('error' in comer) return comer;
    const refused = this.#mustWait(comer);
    if (refused !== null) return refused;
    const session = this.#sessionOf(comer, carrier);
    const connection = this.#attach(session, carrier);
    const isResumed = !('refused' in comer);
    if (isResumed) counters.resumed++;
    else counters.opened++;
    if (!session.isRaw) {
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
          pingIntervalMs: settings.pingIntervalMs,
        }),
      );
    }
    this.#subscribe(session, frame.paths ?? [], isResumed);
    return { session, connection };
  }

  /** The sessions that are bound to a user. */
  ofUser(user: string): Iterable<Session> {
    return this.#users.of(user);
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
  takeToken(_session: Session, _frame: TokenFrame): void {}

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
  end(session: Session, why: 'ended' | 'kicked' | 'dismissed'): Promise<void> {
    if (session.isEnded) return Promise.resolve();
    session.connection?.close(closingFrame(why));
    this.#end(session);
    if (session.isRaw) return Promise.resolve();
    const isEmpty = why === 'ended' && session.user === null && session.paths.granted.size === 0;
    const isFinal = why === 'dismissed';
    const revocation = { id: session.id, at: this.#revokedAt(session), isFinal, isEmpty };
    return this.#safe(this.#parts.revocations.add(revocation), why === 'ended');
  }

  /** Grants paths to a session and subscribes it to them; binds it to `user` when one is named. */
  connect(id: string, paths: readonly string[], user?: NamedUser): Outcome<GrantResult[]> {
    const found = this.#find(id, user);
    if ('error' in found) return found;
    if (user) this.#users.bind(found.value, user);
    return { value: found.value.paths.grant(paths) };
  }

  /** Takes paths away from a session, bound to `user` if one is named; resolves when that is safe from a restart. */
  async disconnect(id: string, paths: readonly string[], user?: NamedUser): Promise<Outcome<RevokeResult[]>> {
    const found = this.#find(id, user);
    const { clock, revocations } = this.#parts;
    if ('error' in found) {
      const valid = this.#mayComeBack(id) ? paths.filter((path) => pathFault(path) === null) : [];
      const named = user === undefined ? {} : { user };
      await Promise.all(valid.map((path) => revocations.add({ id, at: clock.now(), path, ...named })));
      return found;
    }
    const results = found.value.paths.revoke(paths);
    const at = this.#revokedAt(found.value);
    const taken = results.filter((result) => !('error' in result));
    await Promise.all(taken.map(({ path }) => revocations.add({ id, at, path })));
    return { value: results };
  }

  /** Ends a session, or finds it ended; resolves when that is safe from a restart. */
  async kick(id: string, mayReturn: boolean): Promise<Outcome<true>> {
    const session = this.#sessions.get(id);
    if (session !== undefined) {
      await this.end(session, mayReturn ? 'kicked' : 'dismissed');
      return { value: true };
    }
    const { clock, revocations } = this.#parts;
    const isKnown = revocations.ended(id) !== 'no';
    // Not back since a restart; or kicked before, and whether that is safe is not known.
    if (isKnown || this.#mayComeBack(id)) {
      await revocations.add({ id, at: clock.now(), isFinal: !mayReturn });
    }
    return isKnown ? { value: true } : { error: errorBody('unknown_session') };
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
      if (registry.get(id) !== undefined || revocations.ended(id) !== 'no') continue;
      if (now - ticketAt >= tickets.lifetimeMs) continue;
      // It knows what was taken back up to its own last millisecond.
      const issuedAt = Math.max(at, ticketAt) + 1;
      const session = this.#remember({ id, ...rest, grants: rest.granted, issuedAt });
      Object.assign(session, { ticketAt, openedAt, lastContactAt, lastCommandAt, received, isForgotten });
      if (handed.state.version > 0) session.state.restore(handed.state.values, handed.state.version);
      session.paths.takeOver(handed.subscriptions);
      this.#hasBroadcast ||= session.paths.subscriptions.has(EVERYBODY);
      this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'), moreMs);
    }
  }

  /** The session of an id, when it is not bound to another user than the one that is named. */
  #find(id: string, user: NamedUser): Outcome<Session> {
    const session = this.#sessions.get(id);
    if (session === undefined) return { error: errorBody('unknown_session') };
    const isOthers = user !== undefined && session.user !== null && user !== session.user;
    return isOthers ? { error: errorBody('user_mismatch') } : { value: session };
  }

  /** Not before its newest ticket was made, though the clock of the machine may have been set back. */
  #revokedAt(session: Session): number {
    return Math.max(this.#parts.clock.now(), session.ticketAt);
  }

  /** Whether a session that is not here may still come with a ticket from before a restart. */
  #mayComeBack(id: string): boolean {
    const { clock, tickets, revocations, settings } = this.#parts;
    if (!settings.ticketsCarryGrants) return false;
    const isYoung = clock.now() - this.#startedAt < tickets.lifetimeMs;
    return isYoung && !this.#sessions.has(id) && revocations.ended(id) === 'no';
  }

  /** Why no connection may be opened just now, with the time to come back where that is known; null when one may. */
  #mustWait(comer: Comer): Refusal | null {
    const wait = this.#admission.admit('session' in comer);
    if (wait !== null) {
      const { code, reconnectAfterMs } = wait;
      if (code === 'too_many_opens') this.#parts.counters.delayed++;
      return { ...refusal(code, code === 'restarting' ? 'restarting' : 'busy'), reconnectAfterMs };
    }
    const isFull = this.#sessions.size - this.#subscribed >= this.#parts.settings.maxIdleSessions;
    return 'refused' in comer && isFull ? refusal('too_many_sessions', 'busy') : null;
  }

  #sessionOf(comer: Comer, { isRaw }: Carrier): Session {
    if ('session' in comer) return comer.session;
    if ('claims' in comer) return this.#remember(comer.claims);
    return this.#add(this.#parts.ids.sessionId(), isRaw);
  }

  /** A session that this server did not open, less what was taken from it since. */
  #remember(claims: TicketClaims): Session {
    const session = this.#add(claims.id, false);
    if (claims.user !== null) this.#users.bind(session, claims.user);
    session.isForgotten = true;
    session.connectionNumber = claims.connection;
    const denied = new Set([...claims.denied, ...this.#parts.revocations.pathsTaken(claims)]);
    session.paths.restore(claims.grants?.filter((path) => !denied.has(path)) ?? [], [...denied]);
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

  /** A session without a connection waits for another for a while. */
  #ended(connection: Connection): void {
    const { session } = connection;
    this.#connections--;
    this.#liveness.unwatch(connection);
    if (!session.detach(connection) || session.isEnded) return;
    if (session.isRaw) this.#end(session);
    else this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'));
  }

  #subscribe(session: Session, items: readonly SubscribeItem[], isResumed: boolean): void {
    if (isResumed) session.paths.resume(items);
    else if (items.length > 0) session.paths.want(items);
    if (this.#hasBroadcast && !session.isRaw) session.paths.hearInbox(EVERYBODY);
  }

  #end(session: Session): void {
    if (session.isEnded) return;
    this.#sessions.delete(session.id);
    this.#users.forget(session);
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
