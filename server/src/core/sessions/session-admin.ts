/** Revokes for back ends: from sessions, users and logins, also from sessions that have not come back yet. */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import { pathFault } from '../../../../protocol/paths.js';
import { compilePattern, patternFault } from '../../../../protocol/patterns.js';
import type { CoreContext } from '../session/core-context.js';
import type { RevokeResult } from '../session/grant-result.js';
import type { Session } from '../session/session.js';
import type { Bindings } from './bindings.js';
import type { Hooks } from './features.js';

/** The user that a back end names: null for a session without a user, undefined for any session. */
export type NamedUser = string | null | undefined;

/** The result of revoking one pattern from a user. */
export type PatternResult =
  | { readonly pattern: string; readonly ended: number }
  | { readonly pattern: string; readonly error: ErrorBody };

/** The sessions that a `SessionAdmin` finds and ends. */
export interface AdminTable {
  readonly bindings: Bindings;
  /** The sessions by id. */
  readonly sessions: ReadonlyMap<string, Session>;
  /** Ends a session; resolves when that is safe from a restart. */
  readonly end: (session: Session, why: 'kicked' | 'dismissed') => Promise<void>;
  /** Called when the back end has ended sessions. */
  readonly onKicked: Required<Hooks>['kicked'];
}

/** Revokes paths; ends sessions and logins. */
export class SessionAdmin {
  readonly #context: CoreContext;
  readonly #table: AdminTable;
  readonly #startedAt: number;

  constructor(context: CoreContext, table: AdminTable) {
    this.#context = context;
    this.#table = table;
    this.#startedAt = context.clock.monotonic();
  }

  /** Returns the session of an id, or an error if it is bound to another user than `user`. */
  find(id: string, user: NamedUser): Outcome<Session> {
    const session = this.#table.sessions.get(id);
    if (session === undefined) return { error: errorBody('unknown_session') };
    const isOthers = user !== undefined && session.user !== null && user !== session.user;
    return isOthers ? { error: errorBody('user_mismatch') } : { value: session };
  }

  /** Revokes paths of a session, bound to `user` if one is named; resolves when that is safe from a restart. */
  async disconnect(id: string, paths: readonly string[], user?: NamedUser): Promise<Outcome<RevokeResult[]>> {
    const found = this.find(id, user);
    const { clock, revocations } = this.#context;
    if ('error' in found) {
      const valid = this.#mayComeBack(id) ? paths.filter((path) => pathFault(path) === null) : [];
      const named = user === undefined ? {} : { user };
      await Promise.all(valid.map((path) => revocations.add({ id, at: clock.now(), path, ...named })));
      return found;
    }
    const at = this.revokedAt([found.value]);
    const results = found.value.paths.revoke(paths, at);
    const taken = results.filter((result) => !('error' in result));
    await Promise.all(taken.map(({ path }) => revocations.add({ id, at, path })));
    return { value: results };
  }

  /** Revokes each pattern from all sessions of a user; resolves when that is safe from a restart. */
  async disconnectUser(user: string, patterns: readonly string[]): Promise<PatternResult[]> {
    const sessions = this.#table.bindings.ofUser(user);
    const at = this.revokedAt(sessions);
    const writing: Promise<void>[] = [];
    const results = patterns.map((source, index): PatternResult => {
      const fault = patternFault(source);
      if (fault !== null) {
        const error = errorBody('bad_pattern', { message: `${fault}.`, field: `patterns.${index}` });
        return { pattern: source, error };
      }
      const pattern = compilePattern(source);
      let ended = 0;
      for (const session of sessions) ended += session.paths.revokeAll(pattern, at);
      writing.push(this.#context.revocations.add({ ofUser: user, at, pattern: source }));
      return { pattern: source, ended };
    });
    await Promise.all(writing);
    return results;
  }

  /** Ends a session, or finds it ended; resolves when that is safe from a restart. */
  async kick(id: string, mayReturn: boolean): Promise<Outcome<number>> {
    const session = this.#table.sessions.get(id);
    this.#table.onKicked({ id }, session === undefined ? 0 : 1, mayReturn);
    if (session !== undefined) {
      await this.#table.end(session, mayReturn ? 'kicked' : 'dismissed');
      return { value: 1 };
    }
    const { clock, revocations } = this.#context;
    const isKnown = revocations.ended(id) !== 'no';
    // The session has not come back since a restart; or its earlier end may not be safe yet.
    if (isKnown || this.#mayComeBack(id)) {
      await revocations.add({ id, at: clock.now(), isFinal: !mayReturn });
    }
    return isKnown ? { value: 0 } : { error: errorBody('unknown_session') };
  }

  /** Ends all sessions and identities of a user. Resolves with their number when that is safe from a restart. */
  kickUser(user: string, mayReturn: boolean): Promise<number> {
    const sessions = [...this.#table.bindings.ofUser(user)];
    const at = this.revokedAt(sessions);
    const record = this.#context.revocations.add({ ofUser: user, at, isFinal: !mayReturn });
    this.#table.onKicked({ user }, sessions.length, mayReturn);
    return this.#endAll(sessions, { record, mayReturn });
  }

  /** Ends a login and all its sessions. Resolves with their number when that is safe from a restart. */
  kickLogin(login: string, mayReturn: boolean): Promise<number> {
    const sessions = [...this.#table.bindings.ofLogin(login)];
    const at = this.revokedAt(sessions);
    const record = this.#context.revocations.add({ ofLogin: login, at, isFinal: !mayReturn });
    this.#table.onKicked({ login }, sessions.length, mayReturn);
    return this.#endAll(sessions, { record, mayReturn });
  }

  /** Returns the time of a revocation: not before the newest ticket or identity of the sessions. */
  revokedAt(sessions: Iterable<Session>): number {
    let at = this.#context.clock.now();
    for (const { ticketAt, paths } of sessions) at = Math.max(at, ticketAt, paths.permissions.assertedAt);
    return at;
  }

  async #endAll(
    sessions: readonly Session[],
    { record, mayReturn }: { record: Promise<void>; mayReturn: boolean },
  ): Promise<number> {
    const why = mayReturn ? 'kicked' : 'dismissed';
    await Promise.all([record, ...sessions.map((session) => this.#table.end(session, why))]);
    return sessions.length;
  }

  /** Returns whether an unknown session may still come back with a ticket from before a restart. */
  #mayComeBack(id: string): boolean {
    const { clock, tickets, revocations, settings } = this.#context;
    if (!settings.ticketsCarryGrants) return false;
    const isYoung = clock.monotonic() - this.#startedAt < tickets.lifetimeMs;
    return isYoung && !this.#table.sessions.has(id) && revocations.ended(id) === 'no';
  }
}
