/**
 * Stores what one session may hear. A later denial removes a grant; a later grant of the same path or pattern removes a
 * denial. Tokens and identities count unless a later denial covers the path.
 */
import { compilePattern } from '../../../../protocol/patterns.js';
import { isPath, PathTable, tableOf } from '../data/path-table.js';
import type { Identity, PathToken } from './identity.js';

/** A revoked path or pattern, and when: milliseconds since 1970. */
export interface Denial {
  readonly path: string;
  readonly at: number;
}

/** The times of a token that opens a path. */
type TokenLifetime = Pick<PathToken, 'at' | 'expiresAt'>;

/** What the permissions of all sessions share. */
export interface PermissionOptions {
  /** Returns whether every client may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Twice as many grants are kept as subscriptions, and as many denials. */
  readonly settings: { readonly maxSubscriptions: number };
}

const NONE: ReadonlySet<string> = new Set();
const NO_PATHS: readonly string[] = [];

/** The grants, denials, identity and tokens of one session. Tables are made when they are needed: most sessions have none. */
export class Permissions {
  readonly #options: PermissionOptions;
  readonly #subscriptions: ReadonlyMap<string, unknown>;
  #granted: PathTable<true> | null = null;
  #denied: PathTable<number> | null = null;
  #asserted: PathTable<true> | null = null;
  #assertedAt = 0;
  /** Assertions up to this time do not count: denials of that time were forgotten. */
  #forgottenAt = -1;
  /** Tokens by path. */
  #tokens: Map<string, TokenLifetime> | null = null;

  /** `subscriptions` are those of the session: the grants of their paths are kept longest. */
  constructor(options: PermissionOptions, subscriptions: ReadonlyMap<string, unknown>) {
    this.#options = options;
    this.#subscriptions = subscriptions;
  }

  /** Returns the paths and patterns that back ends granted. */
  get granted(): ReadonlySet<string> {
    return this.#granted === null ? NONE : new Set(this.#granted.sources());
  }

  /** Returns the denials. */
  get denials(): Denial[] {
    const denied = this.#denied;
    return denied === null ? [] : [...denied.sources()].map((path) => ({ path, at: denied.get(path) ?? 0 }));
  }

  /** Returns whether the session may hear a path. */
  mayHear(path: string): boolean {
    // A denial would have removed the grant.
    if (this.#granted?.ofPath(path) !== undefined) return true;
    const deniedAt = this.deniedAt(path);
    if (deniedAt !== null) return this.#isAsserted(path, deniedAt);
    return this.#granted?.has(path) === true || this.#isAsserted(path, -1) || this.#options.isPublic(path);
  }

  /** Returns when a path was denied last; null if it was not, or was granted since. */
  deniedAt(path: string): number | null {
    let at = this.#denied?.ofPath(path) ?? null;
    for (const other of this.#denied?.ofPatterns(path) ?? []) at = Math.max(at ?? other, other);
    return at;
  }

  /** Grants a path or pattern. */
  grant(source: string): void {
    this.#granted ??= new PathTable();
    this.#granted.set(source, true);
    this.#denied?.delete(source);
    if (this.#granted.size <= this.#most) return;
    // Grants outlive subscriptions, within a bound: the oldest one that is not in use is removed.
    for (const oldest of this.#granted.sources()) {
      if (!this.#subscriptions.has(oldest)) return this.#granted.delete(oldest);
    }
  }

  /** Denies a path, or all paths that a pattern matches. */
  deny(source: string, at: number): void {
    this.#granted?.delete(source);
    if (!isPath(source)) this.#granted?.deleteMatched(compilePattern(source));
    this.#denied ??= new PathTable();
    this.#denied.set(source, Math.max(at, this.#denied.get(source) ?? at));
    if (this.#denied.size <= this.#most) return;
    // Bounded too. What was asserted before a forgotten denial must not count again.
    this.#forgottenAt = Math.max(this.#forgottenAt, at);
    this.#granted?.deletePatterns();
    for (const oldest of this.#denied.sources()) {
      if (!this.#options.isPublic(oldest)) return this.#denied.delete(oldest);
    }
  }

  /** Replaces the identity by what a token or the session view asserts now. */
  setIdentity({ at, grants }: Identity): void {
    this.#assertedAt = at;
    this.#asserted = grants.length > 0 ? tableOf(grants) : null;
  }

  /** Adds the token that opens a path. */
  addToken(path: string, token: TokenLifetime): void {
    this.#tokens ??= new Map();
    this.#tokens.set(path, token);
  }

  /** Returns the time of the newest token or identity, in milliseconds since 1970; 0 without one. */
  get assertedAt(): number {
    let at = this.#assertedAt;
    for (const token of this.#tokens?.values() ?? []) at = Math.max(at, token.at);
    return at;
  }

  /** Returns for how long a token opens a path, in milliseconds; undefined without a token. */
  tokenLeftMs(path: string, now: number): number | undefined {
    const token = this.#tokens?.get(path);
    return token === undefined ? undefined : Math.max(0, token.expiresAt - now);
  }

  /** Returns whether a token opens a path. */
  hasToken(path: string): boolean {
    return this.#tokens?.has(path) === true;
  }

  /** Removes the token of a path. */
  dropToken(path: string): void {
    this.#tokens?.delete(path);
  }

  /** Removes expired tokens; returns their paths. */
  dropExpired(now: number): readonly string[] {
    // Asked every second for each session.
    if (this.#tokens === null) return NO_PATHS;
    const all = [...this.#tokens];
    const expired = all.filter(([, { expiresAt }]) => expiresAt <= now).map(([path]) => path);
    for (const path of expired) this.dropToken(path);
    return expired;
  }

  get #most(): number {
    return 2 * this.#options.settings.maxSubscriptions;
  }

  #isAsserted(path: string, deniedAt: number): boolean {
    const since = Math.max(deniedAt, this.#forgottenAt);
    if (this.#asserted !== null && this.#assertedAt > since && this.#asserted.has(path)) return true;
    return (this.#tokens?.get(path)?.at ?? -1) > since;
  }
}
