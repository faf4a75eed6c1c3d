/**
 * What sessions without a user hold, counted by the address of their clients, so that one address cannot take the places of all:
 * idle sessions, connections, subscriptions and openings. Addresses that many clients share, such as that of a proxy that does not
 * tell its clients', are not bounded: the bounds of the whole server hold there.
 */
import type { ErrorCode } from '../../../../protocol/codes.js';
import { AddressCounter } from '../data/address-counter.js';
import type { Clock } from '../time/clock.js';

/** Sessions without a user and without subscriptions, of one address. */
export const ADDRESS_IDLE_SESSIONS = 1_000;
/** Connections of sessions without a user, of one address. */
export const ADDRESS_CONNECTIONS = 2_000;
/** Connections that one address may open in a second, but for sessions that live here. One that names many paths counts as several. */
export const ADDRESS_OPENS_PER_SECOND = 200;
/** So many paths of an opening count as one more opening. */
export const PATHS_OF_AN_OPENING = 50;
/** One address may have this part of all subscriptions, and at least as many as one session. */
export const ADDRESS_SUBSCRIPTIONS_SHARE = 10;
/** Paths of sessions without a user that wait for the back end's word, of one address. */
export const ADDRESS_WAITING_PATHS = 10_000;
/** When a client that was refused for one of these may come back, in milliseconds. */
export const ADDRESS_PAUSE_MS = 2_000;

const WINDOW_MS = 1_000;

/** A session as far as it is counted. */
export interface GuardedSession {
  readonly user: string | null;
  /** The address that it is counted at; null when it is not counted. */
  countedAt: string | null;
  isIdleCounted: boolean;
  isConnectionCounted: boolean;
  /** Subscriptions, and paths that wait. */
  readonly pathCount: number;
  /** Of these, paths that wait. */
  readonly waitingCount: number;
  readonly hasSubscriptions: boolean;
}

/** What the guard stands on. */
export interface AddressGuardParts {
  readonly clock: Clock;
  /** Whether many clients may have an address. */
  readonly isShared: (address: string) => boolean;
  /** Of all sessions together. */
  readonly maxTotalSubscriptions: number;
  readonly maxSubscriptions: number;
}

/** Counts by address. */
export class AddressGuard {
  readonly #parts: AddressGuardParts;
  readonly #idle = counter(ADDRESS_IDLE_SESSIONS);
  readonly #connections = counter(ADDRESS_CONNECTIONS);
  readonly #opens = counter(ADDRESS_OPENS_PER_SECOND);
  readonly #waiting = counter(ADDRESS_WAITING_PATHS);
  readonly #paths: AddressCounter;
  #window = 0;

  constructor(parts: AddressGuardParts) {
    this.#parts = parts;
    const share = Math.floor(parts.maxTotalSubscriptions / ADDRESS_SUBSCRIPTIONS_SHARE);
    this.#paths = counter(Math.max(parts.maxSubscriptions, share));
  }

  /** Addresses that hold something, in all counters together. */
  get size(): number {
    return (
      this.#idle.size + this.#connections.size + this.#opens.size + this.#waiting.size + this.#paths.size
    );
  }

  /** Returns why an address may not open a connection that names so many paths, and counts it if it may. `isNew`: for a new session. */
  opens(address: string, isNew: boolean, paths = 0): ErrorCode | null {
    if (this.#parts.isShared(address)) return null;
    const window = Math.floor(this.#parts.clock.monotonic() / WINDOW_MS);
    if (window !== this.#window) this.#opens.clear();
    this.#window = window;
    const weight = 1 + Math.floor(paths / PATHS_OF_AN_OPENING);
    if (!this.#opens.hasRoom(address, weight)) return 'address_opens';
    this.#opens.add(address, weight);
    return isNew ? this.crowd(address) : null;
  }

  /** Returns why an address may have no new session now, or null. */
  crowd(address: string): ErrorCode | null {
    if (this.#parts.isShared(address)) return null;
    if (!this.#idle.hasRoom(address)) return 'address_sessions';
    return this.#connections.hasRoom(address) ? null : 'address_connections';
  }

  /** A connection from an address has taken a session: it is counted there, whatever the bounds. */
  attached(session: GuardedSession, address: string): void {
    this.forget(session);
    if (session.user !== null || this.#parts.isShared(address)) return;
    session.countedAt = address;
    session.isConnectionCounted = true;
    this.#connections.add(address);
    this.#paths.add(address, session.pathCount);
    this.#waiting.add(address, session.waitingCount);
    this.#countIdle(session, !session.hasSubscriptions);
  }

  /** A session has no connection any more. */
  detached(session: GuardedSession): void {
    if (session.countedAt === null || !session.isConnectionCounted) return;
    session.isConnectionCounted = false;
    this.#connections.release(session.countedAt);
  }

  /** The first subscription of a session has begun, or the last one has ended. */
  idleChanged(session: GuardedSession, isIdle: boolean): void {
    if (session.countedAt !== null) this.#countIdle(session, isIdle);
  }

  /** A session has more subscriptions, or fewer. */
  pathsChanged({ countedAt }: GuardedSession, change: number): void {
    if (countedAt !== null) changeBy(this.#paths, countedAt, change);
  }

  /** A session has more paths that wait, or fewer. */
  waitingChanged({ countedAt }: GuardedSession, change: number): void {
    if (countedAt === null) return;
    changeBy(this.#paths, countedAt, change);
    changeBy(this.#waiting, countedAt, change);
  }

  /** Whether so many more paths of a session may wait. */
  mayWait({ countedAt }: GuardedSession, more: number): boolean {
    return countedAt === null || this.#waiting.hasRoom(countedAt, more);
  }

  /** Whether a session may have so many more paths. */
  hasRoom({ countedAt }: GuardedSession, more: number): boolean {
    return countedAt === null || this.#paths.hasRoom(countedAt, more);
  }

  /** A session has ended, or has a user now: it is not counted any more. */
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
