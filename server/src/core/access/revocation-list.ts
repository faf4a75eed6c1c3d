/**
 * What was taken back: sessions that have ended and paths that were taken from one; users and logins that were kicked and paths that
 * were taken from a user. A ticket or a token made before is refused, or loses the path. Kept until every such ticket and token has
 * expired, and handed to a journal so that a restart does not forget.
 */
import { LinkedMap } from '../data/linked-map.js';
import type { Denial } from './permissions.js';
import type { TicketClaims } from './ticket.js';

/** Something taken back from one session. */
export interface SessionRevocation {
  /** The session. */
  readonly id: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** The path taken; absent when the whole session has ended. */
  readonly path?: string;
  /** Whether the client may not come back as a new session. */
  readonly isFinal?: boolean;
  /** Whether it is the end of a session that nothing was ever granted to: there may be very many of these. */
  readonly isEmpty?: boolean;
  /** The user that the back end named with the path: it is taken from a session of that user only, null for one without. */
  readonly user?: string | null;
}

/** Something taken back from all sessions of a user: a pattern of paths, or the sessions themselves. */
export interface UserRevocation {
  readonly ofUser: string;
  readonly at: number;
  readonly pattern?: string;
  readonly isFinal?: boolean;
}

/** A login has ended. */
export interface LoginRevocation {
  readonly ofLogin: string;
  readonly at: number;
  readonly isFinal?: boolean;
}

/**
 * Records made up to `horizon` were dropped as the oldest of too many: tickets of sessions, or tickets and tokens of users, that were
 * made before count as taken back.
 */
export interface HorizonRevocation {
  /** In milliseconds since 1970. */
  readonly horizon: number;
  readonly of: 'sessions' | 'users';
  /** When this was recorded. */
  readonly at: number;
}

/** One thing taken back. */
export type Revocation = SessionRevocation | UserRevocation | LoginRevocation | HorizonRevocation;

/** Writes revocations where they outlive the process. */
export interface RevocationJournal {
  /** Resolves when the record is safe. */
  write(revocation: Revocation): Promise<void>;
}

/** How a session has ended. */
export type Ended = 'no' | 'ended' | 'dismissed';

/** Whose word something is, and of when. */
export interface Said {
  readonly user: string | null;
  readonly login: string | null;
  /** In milliseconds since 1970. */
  readonly at: number;
}

interface Taken {
  at: number;
  endedAt: number | null;
  isFinal: boolean;
  paths: Map<string, SessionRevocation> | null;
}

interface TakenFromUser {
  at: number;
  kickedAt: number;
  isFinal: boolean;
  /** When each was taken. */
  readonly patterns: Map<string, number>;
}

/** Ids of ended sessions that nothing was ever granted to, kept at the most. */
export const MAX_EMPTY = 100_000;
/** Records of sessions that are kept at the most, and of users, and of logins. */
export const MAX_RECORDS = 250_000;

/** The revocations that are still of use. */
export class RevocationList {
  readonly #journal: RevocationJournal;
  readonly #records = new LinkedMap<string, Taken>();
  readonly #users = new LinkedMap<string, TakenFromUser>();
  readonly #logins = new LinkedMap<string, LoginRevocation>();
  /** Sessions that ended with nothing to their name: since when. */
  readonly #empty = new LinkedMap<string, number>();
  /** Records up to here were dropped as the oldest of too many: what was made before counts as taken back. */
  #sessionHorizon = Number.NEGATIVE_INFINITY;
  #userHorizon = Number.NEGATIVE_INFINITY;

  constructor(journal: RevocationJournal, loaded: readonly Revocation[] = []) {
    this.#journal = journal;
    this.load(loaded);
  }

  /** Knows what was recorded by another server; the same may come again. */
  load(recorded: readonly Revocation[]): void {
    for (const revocation of recorded) this.#note(revocation);
  }

  /** Takes effect at once; the promise says when it is safe. */
  add(revocation: Revocation): Promise<void> {
    this.#note(revocation);
    return this.#journal.write(revocation);
  }

  /** Whether the session of this id has ended, and whether for good. */
  ended(id: string): Ended {
    if (this.#empty.has(id)) return 'ended';
    const record = this.#records.get(id);
    if (record === undefined || record.endedAt === null) return 'no';
    return record.isFinal ? 'dismissed' : 'ended';
  }

  /** Whether the session of a ticket has ended, by itself or with all of its user or login. */
  endedBy({ id, user, login, issuedAt }: Pick<TicketClaims, 'id' | 'user' | 'login' | 'issuedAt'>): Ended {
    const own = this.ended(id);
    if (own !== 'no') return own;
    const ofLogin = login === null ? undefined : this.#logins.get(login);
    const ofUser = user === null ? undefined : this.#users.get(user);
    const isKicked = ofUser !== undefined && ofUser.kickedAt >= issuedAt;
    if (ofLogin === undefined && !isKicked) return 'no';
    return ofLogin?.isFinal === true || (isKicked && ofUser.isFinal) ? 'dismissed' : 'ended';
  }

  /** Records that are kept. */
  get size(): number {
    return this.#records.size + this.#users.size + this.#logins.size + this.#empty.size;
  }

  /** Whether a record of a ticket's session, user or login may have been dropped as one of too many. */
  mayBeForgotten({ user, login, issuedAt }: TicketClaims): boolean {
    if (issuedAt <= this.#sessionHorizon) return true;
    return (user !== null || login !== null) && issuedAt <= this.#userHorizon;
  }

  /** Whether a login has ended: it never returns. */
  hasLoginEnded(login: string): boolean {
    return this.#logins.has(login);
  }

  /** Whether somebody's word counts no more, since its login has ended, or its user was kicked after it was given. */
  isRevoked({ user, login, at }: Said): boolean {
    if (login !== null && this.#logins.has(login)) return true;
    if ((user !== null || login !== null) && at <= this.#userHorizon) return true;
    return user !== null && (this.#users.get(user)?.kickedAt ?? Number.NEGATIVE_INFINITY) >= at;
  }

  /** What was taken from all sessions of a user, since a time. */
  takenFrom(user: string, since = Number.NEGATIVE_INFINITY): Denial[] {
    const patterns = [...(this.#users.get(user)?.patterns ?? [])];
    return patterns.filter(([, at]) => at >= since).map(([path, at]) => ({ path, at }));
  }

  /** What a ticket of this content no longer carries. */
  pathsTaken({
    id,
    issuedAt,
    user,
    grants,
  }: Pick<TicketClaims, 'id' | 'issuedAt' | 'user' | 'grants'>): Denial[] {
    const taken = [...(this.#records.get(id)?.paths?.values() ?? [])]
      .filter((revocation) => revocation.user === undefined || revocation.user === user)
      // What was taken before the ticket was made, and granted since, is among its grants.
      .filter(({ at, path = '' }) => at >= issuedAt || grants?.includes(path) !== true)
      .map(({ path = '', at }) => ({ path, at }));
    return user === null ? taken : [...taken, ...this.takenFrom(user, issuedAt)];
  }

  /** Forgets what is of sessions and older than `before`, when no ticket from then is left, and what is of users and logins and older than `longBefore`, when no token is. */
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

  /** Of these the oldest are forgotten when there are too many: their tickets carry nothing. */
  #noteEmpty(id: string, at: number): void {
    this.#empty.set(id, at);
    if (this.#empty.size > MAX_EMPTY) dropOldest(this.#empty);
  }

  #note(revocation: Revocation): void {
    if ('horizon' in revocation) this.#noteHorizon(revocation);
    else if ('ofUser' in revocation) this.#noteUser(revocation);
    else if ('ofLogin' in revocation) this.#noteLogin(revocation);
    else this.#noteSession(revocation);
  }

  #noteHorizon({ horizon, of }: HorizonRevocation): void {
    if (of === 'sessions') this.#sessionHorizon = Math.max(this.#sessionHorizon, horizon);
    else this.#userHorizon = Math.max(this.#userHorizon, horizon);
  }

  #noteLogin(revocation: LoginRevocation): void {
    const isFinal = revocation.isFinal === true || this.#logins.get(revocation.ofLogin)?.isFinal === true;
    this.#logins.set(revocation.ofLogin, { ...revocation, isFinal });
    if (this.#logins.size > MAX_RECORDS) this.#dropOfUsers(this.#logins);
  }

  #dropOfUsers(records: LinkedMap<string, { readonly at: number }>): void {
    this.#userHorizon = Math.max(this.#userHorizon, dropOldest(records)?.at ?? this.#userHorizon);
  }

  #noteUser({ ofUser, at, pattern, isFinal }: UserRevocation): void {
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
    if (this.#users.size > MAX_RECORDS) this.#dropOfUsers(this.#users);
  }

  #noteSession(revocation: SessionRevocation): void {
    const { id, at, path, isFinal, isEmpty } = revocation;
    if (isEmpty === true) return this.#noteEmpty(id, at);
    const record = this.#records.get(id) ?? { at, endedAt: null, isFinal: false, paths: null };
    record.at = Math.max(record.at, at);
    if (path === undefined) {
      record.endedAt = at;
      record.isFinal ||= isFinal === true;
    } else {
      record.paths ??= new Map();
      // What was taken from one user is not what was taken from another, or from whoever it is.
      record.paths.set(JSON.stringify([path, revocation.user]), revocation);
    }
    this.#records.set(id, record);
    if (this.#records.size <= MAX_RECORDS) return;
    const dropped = dropOldest(this.#records);
    this.#sessionHorizon = Math.max(this.#sessionHorizon, dropped?.at ?? this.#sessionHorizon);
  }
}

function dropOldest<T>(records: LinkedMap<string, T>): T | undefined {
  const oldest = records.oldest;
  if (oldest !== undefined) records.delete(oldest[0]);
  return oldest?.[1];
}
