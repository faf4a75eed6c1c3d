/**
 * The table of sessions: opens and resumes them, connects and ends them; what is taken back is in revoking.ts. An id that has
 * ended never returns.
 *
 * Over 400 lines: opening, resuming and ending one table of sessions is read in one place, since each must leave it whole.
 */
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { CommandFrame, OpenFrame, SubscribeItem, TokenFrame } from '../../../../protocol/frames.js';
import { ADDRESS_PAUSE_MS, AddressGuard } from '../access/address-guard.js';
import type { RevocationList } from '../access/revocation-list.js';
import type { TicketClaims, TicketSigner } from '../access/ticket.js';
import { ByteBudget } from '../data/byte-budget.js';
import { tableOf } from '../data/path-table.js';
import type { Registry } from '../hub/registry.js';
import { EVERYBODY } from '../log/reserved-paths.js';
import { type Carrier, Connection, type ConnectionParts, closingFrame } from '../session/connection.js';
import type { GrantResult } from '../session/grant-result.js';
import type { HandoffTimes, SessionHandoff } from '../session/handoff.js';
import { Session, type SessionConnection, type SessionOptions } from '../session/session.js';
import type { SessionObserver } from '../session/session-observer.js';
import type { Clock, IdSource } from '../time/clock.js';
import type { TimerWheel } from '../time/timer-wheel.js';
import { Backlogs } from '../wire/backlog.js';
import type { Flusher } from '../wire/flusher.js';
import { Frame } from '../wire/frame.js';
import { Admission } from './admission.js';
import {
  Authenticator,
  type HandshakeRequest,
  NOBODY,
  NOTHING,
  type Opening,
  revoked,
} from './authenticator.js';
import type { CommandHandler } from './command-handler.js';
import { Liveness } from './liveness.js';
import { openedFrame } from './opened-frame.js';
import { MAX_OPENING_BYTES, OPENING_RETRY_MS, openingBytes } from './opening-weight.js';
import { handedOver, type RestoreOptions, returned, waitedMs } from './restore.js';
import { type Refusal, type ResumeResult, recognize, refusal } from './resume-result.js';
import { type NamedUser, SessionAdmin } from './session-admin.js';
import { isSomebodyElse, SessionIdentity } from './session-identity.js';
import type { SessionSettings } from './session-settings.js';
import { TicketRenewal } from './ticket-renewal.js';

/** What the table stands on. */
export interface SessionsParts
  extends Pick<SessionOptions, 'dispatcher' | 'counters' | 'isPublic' | 'authority'> {
  readonly registry: Registry;
  readonly flusher: Flusher;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly tickets: TicketSigner;
  readonly revocations: RevocationList;
  readonly settings: SessionSettings;
  /** Whether many clients may have an address: then what it holds is not bounded. */
  readonly isShared: (address: string) => boolean;
  /** A revocation could not be written. */
  readonly onJournalFault: (error: unknown) => void;
  readonly observer?: SessionObserver;
}

/** A connection that was opened, or why it was not, with how its transport is to close. */
export type OpenOutcome = { readonly session: Session; readonly connection: SessionConnection } | Refusal;

/** A session is there for so long after the last place in the line of those who were refused. */
const LINE_MARGIN_MS = 5_000;
/** Characters of tokens that wait to be checked, of all sessions. */
export const MAX_TOKEN_CHARACTERS = 32 * 1024 * 1024;

/** All sessions of this server. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #sessionParts: SessionOptions;
  readonly #connectionParts: ConnectionParts<Session>;
  readonly #sessions = new Map<string, Session>();
  readonly #liveness: Liveness;
  readonly #tickets: TicketRenewal;
  readonly #admission: Admission;
  readonly #guard: AddressGuard;
  readonly #identity: SessionIdentity;
  readonly #authenticator: Authenticator;
  /** What connections hold that do not read. */
  readonly backlogs = new Backlogs();
  /** What a back end takes back. */
  readonly admin: SessionAdmin;
  #taker: CommandHandler | null = null;
  /** Whether something was ever told to everybody: from then on every session hears that. */
  #hasBroadcast = false;
  /** When the last client of the server before was asked to be back, on the monotonic clock. */
  #awaitedUntil = 0;
  /** What openings hold that wait. */
  readonly #openingBytes = new ByteBudget(MAX_OPENING_BYTES);
  readonly #tokenBytes = new ByteBudget(MAX_TOKEN_CHARACTERS);
  #openings = 0;
  #subscribed = 0;
  #connections = 0;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#authenticator = new Authenticator(parts);
    this.#guard = new AddressGuard({ ...parts, ...parts.settings });
    this.#identity = new SessionIdentity({
      ...parts,
      isFrozen: () => this.isFrozen,
      onBound: (session) => this.#guard.forget(session),
      onChange: (session) => this.#tickets.renewSoon(session),
      onMismatch: (session) => void this.end(session, 'kicked', true),
    });
    this.admin = new SessionAdmin({
      ...parts,
      bindings: this.#identity.bindings,
      sessions: this.#sessions,
      end: (session, why) => this.end(session, why),
    });
    this.#tickets = new TicketRenewal(parts.tickets, parts);
    this.#admission = new Admission({
      ...parts,
      perSecond: parts.settings.maxOpensPerSecond,
      maxWaitMs: parts.settings.sessionTtlMs - LINE_MARGIN_MS,
    });
    this.#liveness = new Liveness(parts, (session) => this.#look(session));
    this.#connectionParts = {
      flusher: parts.flusher,
      backlogs: this.backlogs,
      bounds: parts.settings.outbox,
      onEnd: (connection) => this.#ended(connection),
    };
    this.#sessionParts = {
      ...parts,
      isFrozen: () => this.isFrozen,
      tokenBytes: this.#tokenBytes,
      grantWaitMs: parts.settings.grantWaitMs,
      maxSubscriptions: parts.settings.maxSubscriptions,
      maxTotalSubscriptions: parts.settings.maxTotalSubscriptions,
      onGrants: (session) => this.#tickets.renewSoon(session),
      guard: this.#guard,
      onSubscribed: (change, session) => {
        this.#subscribed += change;
        this.#guard.idleChanged(session, change < 0);
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

  /** Addresses that hold something, once for each thing. */
  get guardedAddresses(): number {
    return this.#guard.size;
  }

  /** Characters of tokens that wait to be checked. */
  get waitingTokenBytes(): number {
    return this.#tokenBytes.held;
  }

  /**
   * Opens a session, or resumes the one of the frame's ticket, over `carrier`: at once, or when it was found out who is asking. The
   * promise never rejects. `visitor` is who comes, as a back end is told; without one nobody is asked. `isGone` says whether the client
   * has gone meanwhile.
   */
  open(
    frame: OpenFrame,
    carrier: Carrier,
    { visitor, isGone }: HandshakeRequest = NOBODY,
  ): OpenOutcome | Promise<OpenOutcome> {
    const comer = this.#recognize(frame);
    if ('error' in comer) return comer;
    if (isSuperseded(comer, frame)) return refusal('superseded', 'superseded');
    const refused = this.#crowd(comer, carrier, frame) ?? this.#mustWait(comer);
    if (refused !== null) return refused;
    const number = ++this.#openings;
    const bytes = openingBytes(frame);
    if (this.#openingBytes.held + bytes > MAX_OPENING_BYTES)
      return { ...refusal('too_many_opens', 'busy'), reconnectAfterMs: OPENING_RETRY_MS };
    const found = carrier.isRaw ? null : this.#authenticator.of(frame, comer, visitor);
    if (found === null) return this.#openAs(comer, { frame, carrier, number, found: NOTHING });
    if ('error' in found) return found;
    this.#openingBytes.take(bytes);
    return found.then((told) => {
      this.#openingBytes.release(bytes);
      if ('error' in told) return told;
      return this.#openLater({ frame, carrier, number, found: told }, isGone());
    });
  }

  /** Much may have happened since it was asked who comes. */
  #openLater(opening: Opening, isGone: boolean): OpenOutcome {
    const { revocations } = this.#parts;
    const comer = this.#recognize(opening.frame);
    if ('error' in comer) return comer;
    if (this.isFrozen) return this.#mustWait(comer) ?? refusal('restarting', 'restarting');
    if (isGone) return refusal('unknown_session', 'busy');
    if (this.#isFull(comer)) return refusal('too_many_sessions', 'busy');
    const crowd = 'refused' in comer ? this.#guard.crowd(opening.carrier.address) : null;
    if (crowd !== null) return { ...refusal(crowd, 'busy'), reconnectAfterMs: ADDRESS_PAUSE_MS };
    // Its client has come in another way meanwhile.
    if (isSuperseded(comer, opening.frame)) return refusal('superseded', 'superseded');
    if (isOvertaken(comer, opening)) return refusal('taken_over', 'taken_over');
    const { identity } = opening.found;
    if (identity !== null && revocations.isRevoked(identity)) return revoked(identity);
    const user = 'session' in comer ? comer.session.user : 'claims' in comer ? comer.claims.user : null;
    if (!isSomebodyElse(user, identity)) return this.#openAs(comer, opening);
    this.#parting(comer);
    return this.#openAs({ refused: 'user_mismatch' }, opening);
  }

  #openAs(comer: ResumeResult, { frame, carrier, number, found }: Opening): OpenOutcome {
    const { counters, clock, settings } = this.#parts;
    const session = this.#sessionOf(comer, carrier);
    if (found.identity !== null) this.#identity.identify(session, found.identity);
    session.openingNumber = number;
    session.connectionAttempt = frame.attempt ?? 0;
    session.attempt = Math.max(session.attempt, session.connectionAttempt);
    const connection = this.#attach(session, carrier);
    const isResumed = !('refused' in comer);
    if (isResumed) counters.resumed++;
    else counters.opened++;
    this.#parts.observer?.opened(session, isResumed);
    if (!session.isRaw) {
      const ticket = this.#tickets.issue(session);
      const { pingIntervalMs } = settings;
      session.tell(Frame.of(openedFrame(session, { comer, ticket, now: clock.now(), pingIntervalMs })));
    }
    if (isResumed) session.paths.expireTokens();
    if (isResumed && found.identity !== null) session.paths.recheck();
    this.#subscribe(session, frame.paths ?? [], { isResumed, refused: found.refused });
    return { session, connection };
  }

  /** The sessions that are bound to a user. */
  ofUser(user: string): Iterable<Session> {
    return this.#identity.bindings.ofUser(user);
  }

  /** Says who takes commands; once, before anything is opened. */
  handleCommandsWith(taker: CommandHandler): void {
    this.#taker = taker;
  }

  /** A session gives a command. */
  takeCommand(session: Session, frame: CommandFrame): void {
    session.lastCommandAt = this.#parts.clock.now();
    this.#taker?.take(session, frame);
  }

  /** A session sends a newer token. */
  takeToken(session: Session, frame: TokenFrame): void {
    this.#identity.takeToken(session, frame);
  }

  /** From now on every session hears what is told to everybody. */
  hearBroadcasts(): void {
    if (this.#hasBroadcast) return;
    this.#hasBroadcast = true;
    for (const session of this.#sessions.values()) if (!session.isRaw) session.paths.hearInbox(EVERYBODY);
  }

  /** The client was heard on a connection. */
  heard(session: Session, connection: SessionConnection): void {
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
    this.#parts.observer?.ended(session, why);
    if (session.isRaw) return Promise.resolve();
    const isEmpty = why === 'ended' && session.isUnknown;
    const isFinal = why === 'dismissed';
    const revocation = { id: session.id, at: this.admin.revokedAt([session]), isFinal, isEmpty };
    return this.#safe(this.#parts.revocations.add(revocation), isUnattended);
  }

  /**
   * Grants paths to a session and subscribes it to them; binds it to `user` when one is named, and to `login`. Errors:
   * `unknown_session`, `user_mismatch`, `login_ended`.
   */
  connect(id: string, paths: readonly string[], user?: NamedUser, login?: string): Outcome<GrantResult[]> {
    const found = this.admin.find(id, user);
    if ('error' in found) return found;
    const { value: session } = found;
    if (login !== undefined && this.#parts.revocations.hasLoginEnded(login)) {
      return { error: errorBody('login_ended') };
    }
    const isBoundNow = this.#identity.bind(session, user ?? null, login ?? null);
    const results = session.paths.grant(paths);
    if (isBoundNow) session.paths.recheck();
    return { value: results };
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

  /** The sessions that clients may come back to, for the next server, as they are asked for. */
  handOver(): Generator<SessionHandoff> {
    return handedOver(this.#sessions.values());
  }

  /**
   * Takes over the sessions of the server before. They wait for their clients, until the last one was asked to be back and
   * a session's time to live beyond.
   */
  takeOver(sessions: Iterable<SessionHandoff>, times: HandoffTimes): void {
    const { clock, registry } = this.#parts;
    const parts: RestoreOptions = {
      ...this.#parts,
      isKnown: (id) => registry.get(id) !== undefined,
      remember: (claims) => this.#remember(claims),
    };
    const moreMs = waitedMs(times, parts);
    this.#awaitedUntil = clock.monotonic() + moreMs;
    for (const handed of sessions) {
      const session = returned(handed, times.at, parts);
      if (session === null) continue;
      this.#hasBroadcast ||= session.paths.subscriptions.has(EVERYBODY);
      this.#liveness.expireUnlessResumed(session, () => void this.end(session, 'ended'), moreMs);
    }
  }

  /** Why the address of a client may not open a connection now; sessions that live here may always. */
  #crowd(comer: ResumeResult, { address }: Carrier, { paths = [] }: OpenFrame): Refusal | null {
    if (this.isFrozen || 'session' in comer) return null;
    const code = this.#guard.opens(address, 'refused' in comer, paths.length);
    return code && { ...refusal(code, 'busy'), reconnectAfterMs: ADDRESS_PAUSE_MS };
  }

  /** Why no connection may be opened just now, with the time to come back where that is known; null when one may. */
  #mustWait(comer: ResumeResult): Refusal | null {
    const wait = this.#admission.admit('session' in comer);
    if (wait !== null) {
      const { code, reconnectAfterMs } = wait;
      if (code === 'too_many_opens') this.#parts.counters.delayed++;
      return { ...refusal(code, code === 'restarting' ? 'restarting' : 'busy'), reconnectAfterMs };
    }
    return this.#isFull(comer) ? refusal('too_many_sessions', 'busy') : null;
  }

  #isFull(comer: ResumeResult): boolean {
    const isFull = this.#sessions.size - this.#subscribed >= this.#parts.settings.maxIdleSessions;
    return 'refused' in comer && isFull;
  }

  #recognize({ ticket }: OpenFrame): ResumeResult | Refusal {
    const { tickets, revocations, settings } = this.#parts;
    const { ticketsCarryGrants } = settings;
    return recognize(ticket, { tickets, revocations, sessions: this.#sessions, ticketsCarryGrants });
  }

  /** A session is another user's now: it is over, and its tickets with it. */
  #parting(comer: ResumeResult): void {
    const { revocations, clock } = this.#parts;
    if ('session' in comer) void this.end(comer.session, 'kicked', true);
    else if ('claims' in comer) {
      void this.#safe(revocations.add({ id: comer.claims.id, at: clock.now() }), true);
    }
  }

  #sessionOf(comer: ResumeResult, { isRaw }: Carrier): Session {
    if ('session' in comer) return comer.session;
    if ('claims' in comer) return this.#remember(comer.claims);
    return this.#add(this.#parts.ids.sessionId(), isRaw);
  }

  /** A session that this server did not open, less what was taken from it since. */
  #remember(claims: TicketClaims): Session {
    const session = this.#add(claims.id, false);
    session.isForgotten = true;
    session.connectionNumber = claims.connection;
    // What was taken from the user comes first: some of it may have been granted since.
    this.#identity.bind(session, claims.user, claims.login);
    session.paths.restore(claims.grants ?? [], claims.denied);
    if (claims.identity !== null) this.#identity.identify(session, claims.identity);
    for (const { path, at } of this.#parts.revocations.pathsTaken(claims)) session.paths.deny(path, at);
    return session;
  }

  #add(id: string, isRaw: boolean): Session {
    const session = new Session(id, this.#sessionParts, isRaw);
    this.#sessions.set(id, session);
    this.#parts.registry.register(session);
    return session;
  }

  #attach(session: Session, carrier: Carrier): SessionConnection {
    const connection = new Connection(session, carrier, this.#connectionParts);
    this.#connections++;
    session.attach(connection);
    this.#guard.attached(session, carrier.address);
    this.#liveness.watch(session, connection);
    return connection;
  }

  /** Looked at about every second. */
  #look(session: Session): void {
    this.#tickets.renewIfDue(session);
    this.#identity.expire(session);
  }

  /** A session without a connection waits for another for a while. */
  #ended(connection: SessionConnection): void {
    const { owner: session } = connection;
    this.#connections--;
    this.#liveness.unwatch(connection);
    if (!session.detach(connection) || session.isEnded) return;
    this.#guard.detached(session);
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
    this.#identity.bindings.forget(session);
    this.#liveness.forget(session);
    this.#tickets.forget(session);
    session.end();
    this.#guard.forget(session);
    this.#taker?.ended(session);
    this.#parts.registry.unregister(session.id);
  }

  /** What nobody waits for is at least logged when it fails. */
  #safe(writing: Promise<void>, isUnattended: boolean): Promise<void> {
    return isUnattended ? writing.catch(this.#parts.onJournalFault) : writing;
  }
}

/** Whether the session has been taken by a later attempt of the same client. */
function isSuperseded(comer: ResumeResult, { attempt }: OpenFrame): boolean {
  return 'session' in comer && attempt !== undefined && attempt < comer.session.attempt;
}

/** Whether another `open` frame that came later has the session, and the client's own count does not say that this one is newer. */
function isOvertaken(comer: ResumeResult, { frame, number }: Opening): boolean {
  if (!('session' in comer) || comer.session.openingNumber <= number) return false;
  return (frame.attempt ?? 0) <= comer.session.attempt;
}
