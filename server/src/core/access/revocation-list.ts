/**
 * Stores revocations: ended sessions, kicked users and logins, and paths that were revoked from a session or a user. An
 * older ticket or token is refused, or loses the path. Records last until every such ticket and token has expired; a
 * journal saves them over a restart.
 */
import { LinkedMap } from '../data/linked-map.js';
import type { Denial } from './permissions.js';
import type { TicketClaims } from './ticket.js';

/** The end of a session, or the revocation of one of its paths. */
export interface SessionRevocation {
  /** The session. */
  readonly id: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** The revoked path; absent when the whole session has ended. */
  readonly path?: string;
  /** Whether the client must not open a new session. */
  readonly isFinal?: boolean;
  /** Whether the session ended without any grants; there may be very many of these. */
  readonly isEmpty?: boolean;
  /** Limits a revoked path to a session of this user, or without one if null. */
  readonly user?: string | null;
}

/** The end of all sessions of a user, or the revocation of a pattern from them. */
export interface UserRevocation {
  readonly ofUser: string;
  readonly at: number;
  readonly pattern?: string;
  readonly isFinal?: boolean;
}

/** The end of a login. */
export interface LoginRevocation {
  readonly ofLogin: string;
  readonly at: number;
  readonly isFinal?: boolean;
}

/**
 * Marks that records up to `horizon` were evicted. Tickets of sessions, or tickets and tokens of users, from before it
 * count as revoked.
 */
export interface HorizonRevocation {
  /** In milliseconds since 1970. */
  readonly horizon: number;
  readonly of: 'sessions' | 'users';
  /** When the horizon was recorded. */
  readonly at: number;
}

/** One revocation. */
export type Revocation = SessionRevocation | UserRevocation | LoginRevocation | HorizonRevocation;

/** Stores revocations durably. */
export interface RevocationJournal {
  /** Resolves when the record is stored. */
  write(revocation: Revocation): Promise<void>;
}

/** Whether a session has ended; `dismissed` when its client must not open a new one. */
export type SessionEnd = 'no' | 'ended' | 'dismissed';

/** The user, login and time of an identity or a token. */
export interface Assertion {
  readonly user: string | null;
  readonly login: string | null;
  /** In milliseconds since 1970. */
  readonly at: number;
}

interface SessionRecord {
  at: number;
  endedAt: number | null;
  isFinal: boolean;
  paths: Map<string, SessionRevocation> | null;
}

interface UserRecord {
  at: number;
  kickedAt: number;
  isFinal: boolean;
  /** When each pattern was revoked. */
  readonly patterns: Map<string, number>;
}

/** The bound of records of sessions that ended without grants. */
export const MAX_EMPTY = 100_000;
/** The bound of records of sessions, of users and of logins, each. */
export const MAX_RECORDS = 250_000;

/** The unexpired revocations. */
export class RevocationList {
  readonly #journal: RevocationJournal;
  readonly #records = new LinkedMap<string, SessionRecord>();
  readonly #users = new LinkedMap<string, UserRecord>();
  readonly #logins = new LinkedMap<string, LoginRevocation>();
  /** When sessions without grants ended, by id. */
  readonly #empty = new LinkedMap<string, number>();
  /** Records up to these times were evicted: tickets and tokens from before count as revoked. */
  #sessionHorizon = Number.NEGATIVE_INFINITY;
  #userHorizon = Number.NEGATIVE_INFINITY;

  constructor(journal: RevocationJournal, loaded: readonly Revocation[] = []) {
    this.#journal = journal;
    this.load(loaded);
  }

  /** Adds records that another server has written. Idempotent. */
  load(recorded: readonly Revocation[]): void {
    for (const revocation of recorded) this.#record(revocation);
  }

  /** Adds a revocation, effective at once; resolves when it is stored. */
  add(revocation: Revocation): Promise<void> {
    this.#record(revocation);
    return this.#journal.write(revocation);
  }

  /** Returns whether the session of this id has ended. */
  ended(id: string): SessionEnd {
    if (this.#empty.has(id)) return 'ended';
    const record = this.#records.get(id);
    if (record === undefined || record.endedAt === null) return 'no';
    return record.isFinal ? 'dismissed' : 'ended';
  }

  /** Returns whether the session of a ticket has ended, by itself or with its user or login. */
  endedBy(claims: Pick<TicketClaims, 'id' | 'user' | 'login' | 'issuedAt'>): SessionEnd {
    const { id, user, login, issuedAt } = claims;
    const own = this.ended(id);
    if (own !== 'no') return own;
    const ofLogin = login === null ? undefined : this.#logins.get(login);
    const ofUser = user === null ? undefined : this.#users.get(user);
    const isKicked = ofUser !== undefined && ofUser.kickedAt >= issuedAt;
    if (ofLogin === undefined && !isKicked) return 'no';
    return ofLogin?.isFinal === true || (isKicked && ofUser.isFinal) ? 'dismissed' : 'ended';
  }

  /** Returns the number of records. */
  get size(): number {
    return this.#records.size + this.#users.size + this.#logins.size + this.#empty.size;
  }

  /** Returns whether a record of a ticket's session, user or login may have been evicted. */
  mayBeForgotten({ user, login, issuedAt }: TicketClaims): boolean {
    if (issuedAt <= this.#sessionHorizon) return true;
    return (user !== null || login !== null) && issuedAt <= this.#userHorizon;
  }

  /** Returns whether a login has ended, which is final. */
  hasLoginEnded(login: string): boolean {
    return this.#logins.has(login);
  }

  /** Returns whether the login of an assertion has ended, or its user was kicked after it. */
  isRevoked({ user, login, at }: Assertion): boolean {
    if (login !== null && this.#logins.has(login)) return true;
    if ((user !== null || login !== null) && at <= this.#userHorizon) return true;
    return user !== null && (this.#users.get(user)?.kickedAt ?? Number.NEGATIVE_INFINITY) >= at;
  }

  /** Returns what was revoked from all sessions of a user since a time. */
  takenFrom(user: string, since = Number.NEGATIVE_INFINITY): Denial[] {
    const patterns = [...(this.#users.get(user)?.patterns ?? [])];
    return patterns.filter(([, at]) => at >= since).map(([path, at]) => ({ path, at }));
  }

  /** Returns the paths that were revoked from a ticket. */
  pathsTaken(claims: Pick<TicketClaims, 'id' | 'issuedAt' | 'user' | 'grants'>): Denial[] {
    const { id, issuedAt, user, grants } = claims;
    const denials = [...(this.#records.get(id)?.paths?.values() ?? [])]
      .filter((revocation) => revocation.user === undefined || revocation.user === user)
      // A path that was granted again after its revocation is among the grants of a later ticket.
      .filter(({ at, path = '' }) => at >= issuedAt || grants?.includes(path) !== true)
      .map(({ path = '', at }) => ({ path, at }));
    return user === null ? denials : [...denials, ...this.takenFrom(user, issuedAt)];
  }

  /** Drops expired records: of sessions from before `before`, of users and logins from before `longBefore`. */
  prune(before: number, longBefore = before): void {
    for (const [id, record] of this.#records) {
      if (record.at < before) this.#records.delete(id);
      else for (const [path, { at }] of record.paths ?? []) if (at < before) record.paths?.delete(path);
    }
    for (const [id, at] of this.#empty) if (at < before) this.#empty.delete(id);
    for (const [login, { at }] of this.#logins) if (at < longBefore) this.#logins.delete(login);
    for (const [user, record] of this.#users) {
      if (record.at < longBefore) this.#users.delete(user);
      else for (const [path, at] of record.patterns) if (at < longBefore) record.patterns.delete(path);
    }
  }

  /** Evicts the oldest record without a horizon: the tickets of these sessions carry no grants. */
  #recordEmpty(id: string, at: number): void {
    this.#empty.set(id, at);
    if (this.#empty.size > MAX_EMPTY) evictOldest(this.#empty);
  }

  #record(revocation: Revocation): void {
    if ('horizon' in revocation) this.#recordHorizon(revocation);
    else if ('ofUser' in revocation) this.#recordUser(revocation);
    else if ('ofLogin' in revocation) this.#recordLogin(revocation);
    else this.#recordSession(revocation);
  }

  #recordHorizon({ horizon, of }: HorizonRevocation): void {
    if (of === 'sessions') this.#sessionHorizon = Math.max(this.#sessionHorizon, horizon);
    else this.#userHorizon = Math.max(this.#userHorizon, horizon);
  }

  #recordLogin(revocation: LoginRevocation): void {
    const isFinal = revocation.isFinal === true || this.#logins.get(revocation.ofLogin)?.isFinal === true;
    this.#logins.set(revocation.ofLogin, { ...revocation, isFinal });
    if (this.#logins.size > MAX_RECORDS) this.#evictOfUsers(this.#logins);
  }

  #evictOfUsers(records: LinkedMap<string, { readonly at: number }>): void {
    this.#userHorizon = Math.max(this.#userHorizon, evictOldest(records)?.at ?? this.#userHorizon);
  }

  #recordUser({ ofUser, at, pattern, isFinal }: UserRevocation): void {
    const record = this.#users.get(ofUser) ?? {
      at,
      kickedAt: Number.NEGATIVE_INFINITY,
      isFinal: false,
      patterns: new Map<string, number>(),
    };
    record.at = Math.max(record.at, at);
    if (pattern !== undefined) record.patterns.set(pattern, Math.max(at, record.patterns.get(pattern) ?? at));
    else if (at >= record.kickedAt) {
      record.kickedAt = at;
      record.isFinal = isFinal === true;
    }
    this.#users.set(ofUser, record);
    if (this.#users.size > MAX_RECORDS) this.#evictOfUsers(this.#users);
  }

  #recordSession(revocation: SessionRevocation): void {
    const { id, at, path, isFinal, isEmpty } = revocation;
    if (isEmpty === true) return this.#recordEmpty(id, at);
    const record = this.#records.get(id) ?? { at, endedAt: null, isFinal: false, paths: null };
    record.at = Math.max(record.at, at);
    if (path === undefined) {
      record.endedAt = at;
      record.isFinal ||= isFinal === true;
    } else {
      record.paths ??= new Map();
      // Revocations of a path for different users are separate records.
      record.paths.set(JSON.stringify([path, revocation.user]), revocation);
    }
    this.#records.set(id, record);
    if (this.#records.size <= MAX_RECORDS) return;
    const evicted = evictOldest(this.#records);
    this.#sessionHorizon = Math.max(this.#sessionHorizon, evicted?.at ?? this.#sessionHorizon);
  }
}

function evictOldest<T>(records: LinkedMap<string, T>): T | undefined {
  const oldest = records.oldest;
  if (oldest !== undefined) records.delete(oldest[0]);
  return oldest?.[1];
}
