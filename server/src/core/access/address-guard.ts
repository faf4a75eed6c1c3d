/**
 * Bounds what clients without a user can hold per address: idle sessions, connections, subscriptions and openings. So
 * one address cannot use up the server's capacity. Addresses that many clients share, such as a proxy's, have only the
 * bounds of the whole server.
 */
import type { ErrorCode } from '../../../../protocol/codes.js';
import { AddressCounter } from '../data/address-counter.js';
import type { Clock } from '../time/clock.js';

/** Sessions without a user and without subscriptions, per address. */
export const ADDRESS_IDLE_SESSIONS = 1_000;
/** Connections of sessions without a user, per address. */
export const ADDRESS_CONNECTIONS = 2_000;
/** Openings per second and address, except for sessions on this server. One with many paths counts as several. */
export const ADDRESS_OPENS_PER_SECOND = 200;
/** Each such number of paths in an opening counts as one more opening. */
export const PATHS_OF_AN_OPENING = 50;
/** The bound of one address is `maxTotalSubscriptions` divided by this, and at least that of one session. */
export const ADDRESS_SUBSCRIPTIONS_SHARE = 10;
/** Paths of sessions without a user that wait for the back end's decision, per address. */
export const ADDRESS_WAITING_PATHS = 10_000;
/** The pause before a client that exceeds such a bound may reconnect, in milliseconds. */
export const ADDRESS_PAUSE_MS = 2_000;

const WINDOW_MS = 1_000;

/** The counted properties of a session. */
export interface GuardedSession {
  readonly user: string | null;
  /** The address under which it is counted; null when it is not counted. */
  countedAt: string | null;
  isIdleCounted: boolean;
  isConnectionCounted: boolean;
  /** Subscriptions and waiting paths. */
  readonly pathCount: number;
  /** The waiting paths among them. */
  readonly waitingCount: number;
  readonly hasSubscriptions: boolean;
}

/** Options of an `AddressGuard`. */
export interface AddressGuardOptions {
  readonly clock: Clock;
  /** Returns whether many clients may share an address. */
  readonly isShared: (address: string) => boolean;
  /** The bound of all sessions together. */
  readonly maxTotalSubscriptions: number;
  readonly maxSubscriptions: number;
}

/** Counts by address, and enforces the bounds. */
export class AddressGuard {
  readonly #options: AddressGuardOptions;
  readonly #idle = counter(ADDRESS_IDLE_SESSIONS);
  readonly #connections = counter(ADDRESS_CONNECTIONS);
  readonly #opens = counter(ADDRESS_OPENS_PER_SECOND);
  readonly #waiting = counter(ADDRESS_WAITING_PATHS);
  readonly #paths: AddressCounter;
  #window = 0;

  constructor(options: AddressGuardOptions) {
    this.#options = options;
    const share = Math.floor(options.maxTotalSubscriptions / ADDRESS_SUBSCRIPTIONS_SHARE);
    this.#paths = counter(Math.max(options.maxSubscriptions, share));
  }

  /** Returns the number of counted addresses, in all counters together. */
  get size(): number {
    return (
      this.#idle.size + this.#connections.size + this.#opens.size + this.#waiting.size + this.#paths.size
    );
  }

  /** Counts an opening with so many paths, or returns why it is refused. `isNew`: for a new session. */
  opens(address: string, isNew: boolean, paths = 0): ErrorCode | null {
    if (this.#options.isShared(address)) return null;
    const window = Math.floor(this.#options.clock.monotonic() / WINDOW_MS);
    if (window !== this.#window) this.#opens.clear();
    this.#window = window;
    const weight = 1 + Math.floor(paths / PATHS_OF_AN_OPENING);
    if (!this.#opens.hasRoom(address, weight)) return 'address_opens';
    this.#opens.add(address, weight);
    return isNew ? this.crowd(address) : null;
  }

  /** Returns why an address may not have a new session now, or null. */
  crowd(address: string): ErrorCode | null {
    if (this.#options.isShared(address)) return null;
    if (!this.#idle.hasRoom(address)) return 'address_sessions';
    return this.#connections.hasRoom(address) ? null : 'address_connections';
  }

  /** Counts a session that a connection from an address has attached to, even beyond the bounds. */
  attached(session: GuardedSession, address: string): void {
    this.forget(session);
    if (session.user !== null || this.#options.isShared(address)) return;
    session.countedAt = address;
    session.isConnectionCounted = true;
    this.#connections.add(address);
    this.#paths.add(address, session.pathCount);
    this.#waiting.add(address, session.waitingCount);
    this.#countIdle(session, !session.hasSubscriptions);
  }

  /** Stops counting the connection of a session. */
  detached(session: GuardedSession): void {
    if (session.countedAt === null || !session.isConnectionCounted) return;
    session.isConnectionCounted = false;
    this.#connections.release(session.countedAt);
  }

  /** Counts a session as idle or not, after its first subscription has begun or its last one has ended. */
  idleChanged(session: GuardedSession, isIdle: boolean): void {
    if (session.countedAt !== null) this.#countIdle(session, isIdle);
  }

  /** Counts subscriptions that a session has gained or lost. */
  pathsChanged({ countedAt }: GuardedSession, change: number): void {
    if (countedAt !== null) changeBy(this.#paths, countedAt, change);
  }

  /** Counts waiting paths that a session has gained or lost. */
  waitingChanged({ countedAt }: GuardedSession, change: number): void {
    if (countedAt === null) return;
    changeBy(this.#paths, countedAt, change);
    changeBy(this.#waiting, countedAt, change);
  }

  /** Returns whether so many more paths of a session may wait. */
  mayWait({ countedAt }: GuardedSession, more: number): boolean {
    return countedAt === null || this.#waiting.hasRoom(countedAt, more);
  }

  /** Returns whether a session may have so many more paths. */
  hasRoom({ countedAt }: GuardedSession, more: number): boolean {
    return countedAt === null || this.#paths.hasRoom(countedAt, more);
  }

  /** Stops counting a session, which has ended or has a user now. */
  forget(session: GuardedSession): void {
    const { countedAt } = session;
    if (countedAt === null) return;
    this.detached(session);
    this.#countIdle(session, false);
    this.#paths.release(countedAt, session.pathCount);
    this.#waiting.release(countedAt, session.waitingCount);
    session.countedAt = null;
  }

  #countIdle(session: GuardedSession, isIdle: boolean): void {
    const { countedAt } = session;
    if (countedAt === null || session.isIdleCounted === isIdle) return;
    session.isIdleCounted = isIdle;
    if (isIdle) this.#idle.add(countedAt);
    else this.#idle.release(countedAt);
  }
}

function changeBy(counted: AddressCounter, address: string, change: number): void {
  if (change > 0) counted.add(address, change);
  else counted.release(address, -change);
}

const counter = (perAddress: number): AddressCounter =>
  new AddressCounter({ perAddress, inAll: Number.POSITIVE_INFINITY });
