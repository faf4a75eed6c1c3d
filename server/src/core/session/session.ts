/**
 * One client: its identity, its connection and, through `paths`, what it hears. It outlives its connections; the newest connection
 * has it. Its fields change by its methods only; `snapshot` and `restore` carry it from one server to the next.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Identity } from '../access/identity.js';
import type { Subscriber } from '../hub/dispatcher.js';
import type { UpdateInfo } from '../log/update.js';
import { updateText } from '../log/update.js';
import { Frame } from '../wire/frame.js';
import type { Verdict } from '../wire/outbox.js';
import { type Connection, type ConnectionOwner, closingFrame } from './connection.js';
import type { RefusedPath, SessionObserver } from './session-observer.js';
import { SessionPaths, type SessionPathsOptions, type SessionPathsOwner } from './session-paths.js';
import type { SessionSnapshot } from './session-snapshot.js';
import { SessionState } from './session-state.js';
import type { Subscription } from './subscription.js';

/** A connection that has a session, or had it. */
export type SessionConnection = Connection<Session>;

/** What a session is given. */
export interface SessionOptions extends SessionPathsOptions {
  /** Called when what the session may hear has changed. */
  readonly onGrants: (session: Session) => void;
  /** Called when its first subscription begins (1) and its last one ends (-1). */
  readonly onSubscribed: (change: 1 | -1, session: Session) => void;
  readonly observer?: SessionObserver | undefined;
}

/** Which `open` frame of all takes a session, and which of its client's. */
export interface OpeningNumbers {
  /** Its place among the `open` frames of all clients, in the order of their arrival. */
  readonly number: number;
  /** The client's own count; undefined where the frame named none. */
  readonly attempt: number | undefined;
}

/** One client's session. */
export class Session implements Subscriber, SessionPathsOwner, ConnectionOwner {
  readonly id: string;
  /** Whether it ends with its connection: its client holds no ticket. */
  readonly isRaw: boolean;
  readonly paths: SessionPaths;
  /** Kept by `AddressGuard`. */
  countedAt: string | null = null;
  isIdleCounted = false;
  isConnectionCounted = false;
  readonly #options: SessionOptions;
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
  /** Made when a handler needs it: most sessions have none. */
  #state: SessionState | null = null;
  #isEnded = false;

  constructor(id: string, options: SessionOptions, isRaw: boolean) {
    this.id = id;
    this.isRaw = isRaw;
    this.#options = options;
    this.#openedAt = options.clock.now();
    this.#lastContactAt = this.#openedAt;
    this.paths = new SessionPaths(this, options);
  }

  /** The user that it is bound to; null until a back end, a token or the session view names one. */
  get user(): string | null {
    return this.#user;
  }

  /** The login at the app that it belongs to; null until one is named. */
  get login(): string | null {
    return this.#login;
  }

  /** What a token or the session view has asserted of it; null before. */
  get identity(): Identity | null {
    return this.#identity;
  }

  /** When it was opened, in milliseconds since 1970. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** When its client was last heard, in milliseconds since 1970. */
  get lastContactAt(): number {
    return this.#lastContactAt;
  }

  /** When it gave its last command, in milliseconds since 1970; null before the first. */
  get lastCommandAt(): number | null {
    return this.#lastCommandAt;
  }

  /** The connection that has it; null between connections. */
  get connection(): SessionConnection | null {
    return this.#connection;
  }

  /** The number of its newest connection. */
  get connectionNumber(): number {
    return this.#connectionNumber;
  }

  /** The last number of an upstream frame that took effect; 0 before the first. */
  get received(): number {
    return this.#received;
  }

  /** Whether `received` is unknown: a ticket alone brought the session back. */
  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** When its newest ticket was made, in milliseconds since 1970. */
  get ticketAt(): number {
    return this.#ticketAt;
  }

  /** When a ticket last replaced another, on the monotonic clock. */
  get ticketRenewedAt(): number {
    return this.#ticketRenewedAt;
  }

  /** Whether it has ended; it takes part in nothing any more. */
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

  /** What handlers of commands remember of it. */
  get state(): SessionState {
    this.#state ??= new SessionState();
    return this.#state;
  }

  /** Whether no back end and no token has named it. */
  get isUnknown(): boolean {
    return (
      this.#user === null && this.#login === null && this.#identity === null && this.paths.granted.size === 0
    );
  }

  /** Binds it to a user, where the first binding holds. Returns whether it is bound only now. */
  bindUser(user: string): boolean {
    if (this.#user !== null) return false;
    this.#user = user;
    return true;
  }

  /** Sets its login, where the newest holds. */
  setLogin(login: string): void {
    this.#login = login;
  }

  /** Sets what a token or the session view asserts of it, in place of what one asserted before. */
  setIdentity(identity: Identity): void {
    this.#identity = identity;
    this.paths.setIdentity(identity);
  }

  /** Notes that its client was heard. */
  heard(): void {
    this.#lastContactAt = this.#options.clock.now();
  }

  /** Notes that it gives a command. */
  commanded(): void {
    this.#lastCommandAt = this.#options.clock.now();
  }

  /** Notes a new ticket, of now. */
  ticketIssued(): number {
    this.#ticketAt = this.#options.clock.now();
    return this.#ticketAt;
  }

  /** Notes that a ticket replaces another, now. */
  ticketRenewed(): void {
    this.#ticketRenewedAt = Math.floor(this.#options.clock.monotonic());
  }

  /** Takes the number of an upstream frame, which takes effect if it is the `next` one. */
  receive(n: number): 'next' | 'repeat' | 'jump' {
    if (n <= this.#received) return 'repeat';
    // After a restart the server does not know how far the client was: any number may come first.
    if (this.#received !== 0 && n !== this.#received + 1) return 'jump';
    this.#received = n;
    this.#isForgotten = false;
    return 'next';
  }

  /** Notes which `open` frame takes it. */
  opened({ number, attempt = 0 }: OpeningNumbers): void {
    this.#openingNumber = number;
    this.#connectionAttempt = attempt;
    this.#attempt = Math.max(this.#attempt, attempt);
  }

  /** Whether its client has taken it by a later attempt than that of an `open` frame. */
  hasNewerAttempt(attempt: number | undefined): boolean {
    return attempt !== undefined && attempt < this.#attempt;
  }

  /** Whether an `open` frame that came later has it, and the client's own count does not make this one the newer. */
  isTakenSince({ number, attempt = 0 }: OpeningNumbers): boolean {
    return this.#openingNumber > number && attempt <= this.#attempt;
  }

  /** Sends a message to this client alone, without position. Lost when it has no connection. */
  update(_sender: string, path: string, message: Json, _update?: UpdateInfo): void {
    this.tell(new Frame(updateText({ path, key: null, text: JSON.stringify(message) ?? 'null' }, null)));
  }

  /** Tells the client which paths it may not hear. */
  tellRefused(paths: RefusedPath[]): void {
    this.tell(Frame.of({ type: 'refused', paths, ...this.asOf }));
    this.#options.observer?.refused(this, paths);
  }

  connectTo(path: string): void {
    this.paths.grant([path]);
  }

  disconnectFrom(path: string): void {
    this.paths.revoke([path]);
  }

  /** Adds a frame to the outbox; the caller heeds the verdict. */
  enqueue(frame: Frame): Verdict {
    return this.#connection === null ? 'closed' : this.#connection.outbox.add(frame);
  }

  /** Adds a frame that must not be left out: where there is no room the connection closes, and the client resumes. */
  tell(frame: Frame): void {
    if (this.enqueue(frame) === 'slow') this.#connection?.close(closingFrame('outbox_full'));
  }

  /** What a decision about paths carries: the last upstream number that had taken effect. */
  get asOf(): { readonly received?: number } {
    return this.#received === 0 ? {} : { received: this.#received };
  }

  /** A live subscription found no room: it reads on from the log when the connection has drained. */
  startCatchUp(subscription: Subscription): void {
    this.paths.startCatchUp(subscription);
  }

  sendSnapshot(subscription: Subscription): void {
    this.paths.sendSnapshot(subscription);
  }

  readOn(connection: Connection): boolean {
    return this.#connection === connection && this.paths.readOn();
  }

  deniedAt(path: string): number | null {
    return this.paths.deniedAt(path);
  }

  grantsChanged(): void {
    this.#options.onGrants(this);
  }

  subscribedChanged(change: 1 | -1): void {
    this.#options.onSubscribed(change, this);
  }

  /** What a connection that has lost the session is told of the one that has it. */
  get takenBy(): { readonly attempt?: number } {
    return this.#connectionAttempt === 0 ? {} : { attempt: this.#connectionAttempt };
  }

  /** Gives the session to a newer connection; the older one is closed. */
  attach(connection: SessionConnection): void {
    const older = this.#connection;
    this.#connection = connection;
    this.#connectionNumber = connection.number;
    older?.close(closingFrame('taken_over', this.takenBy));
  }

  /** Lets go of a connection that has ended; false when another one has the session. */
  detach(connection: Connection): boolean {
    if (this.#connection !== connection) return false;
    this.#connection = null;
    this.paths.pause();
    return true;
  }

  /** Returns it as data; lists are made when they are read. */
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
        return [...paths.granted];
      },
      get denied() {
        return paths.denials;
      },
      get subscriptions() {
        return paths.snapshot();
      },
    };
  }

  /** Sets what a snapshot says, but for user, login and identity, which `SessionIdentity` binds, and its subscriptions. */
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
