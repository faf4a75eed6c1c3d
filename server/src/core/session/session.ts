/**
 * One client: its identity, its newest connection and, through `paths`, what it hears. It outlives its connections. Its
 * fields change by its methods only; `snapshot` and `restore` carry it from one server to the next.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Identity } from '../access/identity.js';
import type { Subscriber } from '../hub/dispatcher.js';
import type { UpdateInfo } from '../log/update.js';
import { Frame } from '../wire/frame.js';
import type { Verdict } from '../wire/outbox.js';
import { type Connection, type ConnectionContext, type ConnectionOwner, closingFrame } from './connection.js';
import type { CoreContext } from './core-context.js';
import type { PathOwner, RefusedPath } from './path-owner.js';
import { SessionPaths } from './session-paths.js';
import type { SessionSnapshot } from './session-snapshot.js';
import { SessionState } from './session-state.js';

/** A connection that has or had a session. */
export type SessionConnection = Connection<Session>;

/** What all sessions share. */
export interface SessionContext extends CoreContext, ConnectionContext<Session> {
  /** Called when the permissions of a session have changed. */
  readonly onGrants: (session: Session) => void;
  /** Called when a subscription has begun, or waits for its path; `isFirst`: the session had none. */
  readonly onSubscribed: (session: Session, path: string, isFirst: boolean) => void;
  /** Called when a subscription has ended; `isLast`: the session has none left. */
  readonly onUnsubscribed: (session: Session, path: string, isLast: boolean) => void;
  readonly onRefused: (session: Session, paths: readonly RefusedPath[]) => void;
}

/** The numbers of the `open` frame that takes a session. */
export interface OpeningNumbers {
  /** Its place among the `open` frames of all clients, in the order of their arrival. */
  readonly number: number;
  /** The client's own count; undefined if the frame has no count. */
  readonly attempt: number | undefined;
}

export class Session implements Subscriber, PathOwner, ConnectionOwner {
  readonly id: string;
  /** Whether the session ends with its connection: its client holds no ticket. */
  readonly isRaw: boolean;
  readonly paths: SessionPaths;
  /** Kept by `AddressGuard`. */
  countedAt: string | null = null;
  isIdleCounted = false;
  isConnectionCounted = false;
  readonly #context: SessionContext;
  #user: string | null = null;
  #login: string | null = null;
  #identity: Identity | null = null;
  #openedAt: number;
  #lastContactAt: number;
  #lastCommandAt: number | null = null;
  #connection: SessionConnection | null = null;
  #connectionNumber = 0;
  #openingNumber = 0;
  #attempt = 0;
  #connectionAttempt = 0;
  #received = 0;
  #isForgotten = false;
  #ticketAt = 0;
  #ticketRenewedAt = Number.NEGATIVE_INFINITY;
  /** Made at its first use: most sessions have no state. */
  #state: SessionState | null = null;
  #isEnded = false;

  constructor(id: string, context: SessionContext, isRaw: boolean) {
    this.id = id;
    this.isRaw = isRaw;
    this.#context = context;
    this.#openedAt = context.clock.now();
    this.#lastContactAt = this.#openedAt;
    this.paths = new SessionPaths(this, context);
  }

  /** Returns the user; null until a back end, a token or the session view names one. */
  get user(): string | null {
    return this.#user;
  }

  /** Returns the login at the app; null until one is named. */
  get login(): string | null {
    return this.#login;
  }

  /** Returns what a token or the session view has asserted; null before. */
  get identity(): Identity | null {
    return this.#identity;
  }

  /** Returns when the session was opened, in milliseconds since 1970. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Returns when the client was last heard, in milliseconds since 1970. */
  get lastContactAt(): number {
    return this.#lastContactAt;
  }

  /** Returns when the client sent its last command, in milliseconds since 1970; null before the first. */
  get lastCommandAt(): number | null {
    return this.#lastCommandAt;
  }

  /** Returns the connection that has the session; null between connections. */
  get connection(): SessionConnection | null {
    return this.#connection;
  }

  /** Returns the number of the newest connection. */
  get connectionNumber(): number {
    return this.#connectionNumber;
  }

  /** Returns the number of the last upstream frame that took effect; 0 before the first. */
  get received(): number {
    return this.#received;
  }

  /** Returns whether `received` is unknown: the session was restored from its ticket alone. */
  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** Returns when the newest ticket was made, in milliseconds since 1970. */
  get ticketAt(): number {
    return this.#ticketAt;
  }

  /** Returns when a ticket last replaced another, on the monotonic clock. */
  get ticketRenewedAt(): number {
    return this.#ticketRenewedAt;
  }

  /** Returns whether the session has ended. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  get pathCount(): number {
    return this.paths.count;
  }

  get waitingCount(): number {
    return this.paths.waiting;
  }

  get hasSubscriptions(): boolean {
    return this.paths.hasSubscriptions;
  }

  /** Returns the values that command handlers store with the session. */
  get state(): SessionState {
    this.#state ??= new SessionState();
    return this.#state;
  }

  /** Returns whether no back end and no token has named the session. */
  get isUnknown(): boolean {
    return (
      this.#user === null &&
      this.#login === null &&
      this.#identity === null &&
      this.paths.permissions.granted.size === 0
    );
  }

  /** Binds the session to its first user; returns false when it has one already. */
  bindUser(user: string): boolean {
    if (this.#user !== null) return false;
    this.#user = user;
    return true;
  }

  /** Sets the login; the newest one holds. */
  setLogin(login: string): void {
    this.#login = login;
  }

  /** Sets what a token or the session view asserts, in place of the last assertion. */
  setIdentity(identity: Identity): void {
    this.#identity = identity;
    this.paths.permissions.setIdentity(identity);
  }

  /** Notes that the client was heard. */
  heard(): void {
    this.#lastContactAt = this.#context.clock.now();
  }

  /** Notes a command. */
  commanded(): void {
    this.#lastCommandAt = this.#context.clock.now();
  }

  /** Notes a new ticket; returns its time. */
  ticketIssued(): number {
    this.#ticketAt = this.#context.clock.now();
    return this.#ticketAt;
  }

  /** Notes that a ticket replaces another. */
  ticketRenewed(): void {
    this.#ticketRenewedAt = Math.floor(this.#context.clock.monotonic());
  }

  /** Takes the number of an upstream frame; only the `next` one takes effect. */
  receive(n: number): 'next' | 'repeat' | 'jump' {
    if (n <= this.#received) return 'repeat';
    // After a restart the server does not know the client's last number: any may come first.
    if (this.#received !== 0 && n !== this.#received + 1) return 'jump';
    this.#received = n;
    this.#isForgotten = false;
    return 'next';
  }

  /** Notes the `open` frame that takes the session. */
  opened({ number, attempt = 0 }: OpeningNumbers): void {
    this.#openingNumber = number;
    this.#connectionAttempt = attempt;
    this.#attempt = Math.max(this.#attempt, attempt);
  }

  /** Returns whether the client has taken the session by a later attempt than this one. */
  hasNewerAttempt(attempt: number | undefined): boolean {
    return attempt !== undefined && attempt < this.#attempt;
  }

  /** Returns whether a later `open` frame has the session, and the client's own count does not contradict. */
  isTakenSince({ number, attempt = 0 }: OpeningNumbers): boolean {
    return this.#openingNumber > number && attempt <= this.#attempt;
  }

  /** Sends a message without position to this client alone. It is lost without a connection. */
  update(_sender: string, path: string, message: Json, _update?: UpdateInfo): void {
    const text = JSON.stringify(message) ?? 'null';
    this.tell(Frame.of({ type: 'update', path, key: null, text, position: null }));
  }

  /** Sends the client the paths that it may not hear. */
  tellRefused(paths: readonly RefusedPath[]): void {
    this.tell(Frame.of({ type: 'refused', paths, ...this.asOf }));
    this.#context.onRefused(this, paths);
  }

  connectTo(path: string): void {
    void this.paths.grant([path]);
  }

  disconnectFrom(path: string): void {
    this.paths.revoke([path]);
  }

  /** Adds a frame to the outbox; the caller heeds the verdict. */
  enqueue(frame: Frame): Verdict {
    return this.#connection === null ? 'closed' : this.#connection.outbox.add(frame);
  }

  /** Adds a frame that must not be left out: without room the connection closes, and the client resumes. */
  tell(frame: Frame): void {
    if (this.enqueue(frame) === 'slow') this.#connection?.close(closingFrame('outbox_full'));
  }

  /** Returns the last upstream number that had taken effect, for decisions about paths. */
  get asOf(): { readonly received?: number } {
    return this.#received === 0 ? {} : { received: this.#received };
  }

  readOn(connection: Connection): boolean {
    return this.#connection === connection && this.paths.readOn();
  }

  grantsChanged(): void {
    this.#context.onGrants(this);
  }

  subscribed(path: string, isFirst: boolean): void {
    this.#context.onSubscribed(this, path, isFirst);
  }

  unsubscribed(path: string, isLast: boolean): void {
    this.#context.onUnsubscribed(this, path, isLast);
  }

  /** Returns the attempt that has taken the session, for the connection that has lost it. */
  get takenBy(): { readonly attempt?: number } {
    return this.#connectionAttempt === 0 ? {} : { attempt: this.#connectionAttempt };
  }

  /** Gives the session to a newer connection and closes the older one. */
  attach(connection: SessionConnection): void {
    const older = this.#connection;
    this.#connection = connection;
    this.#connectionNumber = connection.number;
    older?.close(closingFrame('taken_over', this.takenBy));
  }

  /** Removes a connection that has ended; returns false when another one has the session. */
  detach(connection: Connection): boolean {
    if (this.#connection !== connection) return false;
    this.#connection = null;
    this.paths.pause();
    return true;
  }

  /** Returns the session as data; lists are made when they are read. */
  snapshot(): SessionSnapshot {
    const { paths } = this;
    return {
      id: this.id,
      user: this.#user,
      login: this.#login,
      identity: this.#identity,
      openedAt: this.#openedAt,
      lastContactAt: this.#lastContactAt,
      lastCommandAt: this.#lastCommandAt,
      ticketAt: this.#ticketAt,
      connection: this.#connectionNumber,
      attempt: this.#attempt,
      received: this.#received,
      isForgotten: this.#isForgotten,
      state: { values: this.#state?.values ?? {}, version: this.#state?.version ?? 0 },
      get granted() {
        return [...paths.permissions.granted];
      },
      get denied() {
        return paths.permissions.denials;
      },
      get subscriptions() {
        return paths.snapshot();
      },
    };
  }

  /** Restores a snapshot, except for user, login and identity, which `SessionIdentity` binds, and the subscriptions. */
  restore(snapshot: SessionSnapshot): void {
    this.#openedAt = snapshot.openedAt;
    this.#lastContactAt = snapshot.lastContactAt;
    this.#lastCommandAt = snapshot.lastCommandAt;
    this.#ticketAt = snapshot.ticketAt;
    this.#connectionNumber = snapshot.connection;
    this.#attempt = snapshot.attempt;
    this.#received = snapshot.received;
    this.#isForgotten = snapshot.isForgotten;
    const { values, version } = snapshot.state;
    if (version > 0) this.state.restore(values, version);
    this.paths.restore(snapshot.granted, snapshot.denied);
  }

  /** Ends all subscriptions. Called once, by the table of sessions. */
  end(): void {
    this.#isEnded = true;
    this.paths.end();
  }
}
