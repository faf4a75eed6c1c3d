/**
 * One client: its identity, its connection and, through `paths`, what it hears. It outlives its connections; the
 * newest connection has it. Its `update` hands a message to the client directly.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Identity } from '../access/identity.js';
import type { Subscriber } from '../hub/dispatcher.js';
import type { UpdateInfo } from '../log/update.js';
import { updateText } from '../log/update.js';
import { Frame } from '../wire/frame.js';
import type { Verdict } from '../wire/outbox.js';
import { type Connection, type ConnectionOwner, closingFrame } from './connection.js';
import type { SessionHandoff } from './handoff.js';
import type { RefusedPath, SessionObserver } from './session-observer.js';
import { SessionPaths, type SessionPathsOptions, type SessionPathsOwner } from './session-paths.js';
import { SessionState } from './session-state.js';
import type { Subscription } from './subscription.js';

/** A connection that has a session, or had it. */
export type SessionConnection = Connection<Session>;

/** What a session stands on. */
export interface SessionOptions extends SessionPathsOptions {
  /** Called when what the session may hear has changed. */
  readonly onGrants: (session: Session) => void;
  /** Called when its first subscription begins (1) and its last one ends (-1). */
  readonly onSubscribed: (change: 1 | -1, session: Session) => void;
  readonly observer?: SessionObserver | undefined;
}

/** One client's session. */
export class Session implements Subscriber, SessionPathsOwner, ConnectionOwner {
  readonly id: string;
  /** The user that it is bound to; null until a back end, a token or the session view names one. */
  user: string | null = null;
  /** The login at the app that it belongs to; null until one is named. */
  login: string | null = null;
  /** What a token or the session view says of it; null where nobody said anything. */
  identity: Identity | null = null;
  /** When it was opened, and when its client was last heard; milliseconds since 1970. */
  openedAt: number;
  lastContactAt: number;
  /** When it gave its last command; null before the first. */
  lastCommandAt: number | null = null;
  /** The connection that has it; null between connections. */
  connection: SessionConnection | null = null;
  /** Which opening of all, in the order of their coming, gave it its connection. */
  openingNumber = 0;
  /** The highest `attempt` of the `open` frames that took it; 0 for none. */
  attempt = 0;
  /** That of the connection that has it; 0 where its `open` frame named none. */
  connectionAttempt = 0;
  /** Raised by each connection that took it. */
  connectionNumber = 0;
  /** The last number of an upstream frame that took effect; 0 before the first. */
  received = 0;
  /** When its newest ticket was made, in milliseconds since 1970. */
  ticketAt = 0;
  /** When one was last sent in place of another, on the monotonic clock. */
  ticketRenewedAt = -1_000;
  /** Whether it ends with its connection: nobody holds a ticket for it. */
  readonly isRaw: boolean;
  /** Whether it is not known which of its frames were received: it was brought back by its ticket alone. */
  isForgotten = false;
  /** See `AddressGuard`. */
  countedAt: string | null = null;
  isIdleCounted = false;
  isConnectionCounted = false;
  readonly paths: SessionPaths;
  /** Most sessions have none: it is made when it is needed. */
  #state: SessionState | null = null;
  readonly #options: SessionOptions;
  #isEnded = false;

  constructor(id: string, options: SessionOptions, isRaw: boolean) {
    this.id = id;
    this.isRaw = isRaw;
    this.#options = options;
    this.openedAt = options.clock.now();
    this.lastContactAt = this.openedAt;
    this.paths = new SessionPaths(this, options);
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

  /** Whether nobody ever said anything of it. */
  get isUnknown(): boolean {
    const { user, login, identity, paths } = this;
    return user === null && login === null && identity === null && paths.granted.size === 0;
  }

  /** Hands a message to this client alone, without position. Lost when it has no connection. */
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

  /** Puts a frame into the outbox; the verdict is the caller's to heed. */
  enqueue(frame: Frame): Verdict {
    return this.connection === null ? 'closed' : this.connection.outbox.add(frame);
  }

  /** Enqueues what cannot be left out: when there is no room the connection closes, and resumes. */
  tell(frame: Frame): void {
    if (this.enqueue(frame) === 'slow') this.connection?.close(closingFrame('outbox_full'));
  }

  /** What a decision about paths carries: the last upstream number that had taken effect. */
  get asOf(): { readonly received?: number } {
    return this.received === 0 ? {} : { received: this.received };
  }

  /** A live subscription found no room, or would only add to what waits: it reads on from the log once the connection has drained. */
  startCatchUp(subscription: Subscription): void {
    this.paths.startCatchUp(subscription);
  }

  sendSnapshot(subscription: Subscription): void {
    this.paths.sendSnapshot(subscription);
  }

  readOn(connection: Connection): boolean {
    return this.connection === connection && this.paths.readOn();
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
    return this.connectionAttempt === 0 ? {} : { attempt: this.connectionAttempt };
  }

  /** Gives the session to a newer connection; the older one is closed. */
  attach(connection: SessionConnection): void {
    const older = this.connection;
    this.connection = connection;
    this.connectionNumber = connection.number;
    older?.close(closingFrame('taken_over', this.takenBy));
  }

  /** Lets go of a connection that has ended; false when it is not the one that has the session. */
  detach(connection: Connection): boolean {
    if (this.connection !== connection) return false;
    this.connection = null;
    this.paths.pause();
    return true;
  }

  /** What the next server needs to go on with it; its paths are looked at when they are asked for. */
  handOver(): SessionHandoff {
    const { id, user, openedAt, lastContactAt, lastCommandAt, ticketAt, connectionNumber } = this;
    const { received, isForgotten, paths, login, identity, attempt } = this;
    return {
      ...{
        id,
        user,
        openedAt,
        lastContactAt,
        lastCommandAt,
        ticketAt,
        received,
        isForgotten,
        login,
        identity,
        attempt,
      },
      connection: connectionNumber,
      state: { values: this.#state?.values ?? {}, version: this.#state?.version ?? 0 },
      get granted() {
        return [...paths.granted];
      },
      get denied() {
        return paths.denials;
      },
      get subscriptions() {
        return paths.handOver();
      },
    };
  }

  /** Ends all subscriptions; called once, by the table of sessions. */
  end(): void {
    this.#isEnded = true;
    this.paths.end();
  }
}
