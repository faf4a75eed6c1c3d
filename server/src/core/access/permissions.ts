/**
 * What one session may hear: what was granted to it and what was taken from it. Each is somebody's word of some time. A grant by the
 * back end is taken away by a later denial, and a denial by a later grant of the very same path or pattern; what a token or the
 * session view said holds where nothing was denied since it was said.
 */
import { compilePattern } from '../../../../protocol/patterns.js';
import { isPath, PathTable, tableOf } from '../data/path-table.js';
import type { Identity, PathToken } from './identity.js';

/** A path or pattern that was taken away, and when: milliseconds since 1970. */
export interface Denial {
  readonly path: string;
  readonly at: number;
}

/** What is kept of the token that opened a path. */
type TokenLifetime = Pick<PathToken, 'at' | 'expiresAt'>;

/** What permissions need of their surroundings. */
export interface PermissionOptions {
  /** Whether everybody may hear a path. */
  readonly isPublic: (path: string) => boolean;
  /** Grants, and denials, that are kept at the most. */
  readonly most: number;
  /** Whether a path is subscribed to: its grant is not the one to go. */
  readonly isInUse: (path: string) => boolean;
}

/** What may be heard, as far as it differs from what everybody may. */
export class Permissions {
  readonly #options: PermissionOptions;
  readonly #granted = new PathTable<true>();
  readonly #denied = new PathTable<number>();
  #asserted: PathTable<true> | null = null;
  #assertedAt = 0;
  /** What was said until then counts no more: denials of that time were forgotten. */
  #forgottenAt = -1;
  /** By path. */
  #tokens: Map<string, TokenLifetime> | null = null;

  constructor(options: PermissionOptions) {
    this.#options = options;
  }

  /** The paths and patterns that a back end granted. */
  get granted(): ReadonlySet<string> {
    return new Set(this.#granted.sources());
  }

  /** What was taken away since. */
  get denials(): Denial[] {
    return [...this.#denied.sources()].map((path) => ({ path, at: this.#denied.get(path) ?? 0 }));
  }

  /** Whether a path may be heard. */
  mayHear(path: string): boolean {
    // A denial would have taken it away.
    if (this.#granted.ofPath(path) !== undefined) return true;
    const deniedAt = this.deniedAt(path);
    if (deniedAt === null) {
      return this.#granted.has(path) || this.#isAsserted(path, -1) || this.#options.isPublic(path);
    }
    return this.#isAsserted(path, deniedAt);
  }

  /** When a path was taken away last; null when it was not, or was granted since. */
  deniedAt(path: string): number | null {
    let at = this.#denied.ofPath(path) ?? null;
    for (const other of this.#denied.ofPatterns(path)) at = Math.max(at ?? other, other);
    return at;
  }

  /** A back end grants a path or pattern. */
  grant(source: string): void {
    this.#granted.set(source, true);
    this.#denied.delete(source);
    if (this.#granted.size <= this.#options.most) return;
    // Grants outlive subscriptions, but not without bound: the oldest that are not in use give way.
    for (const oldest of this.#granted.sources()) {
      if (!this.#options.isInUse(oldest)) return this.#granted.delete(oldest);
    }
  }

  /** A back end takes away a path, or what a pattern matches. */
  deny(source: string, at: number): void {
    this.#granted.delete(source);
    if (!isPath(source)) this.#granted.deleteMatched(compilePattern(source));
    this.#denied.set(source, Math.max(at, this.#denied.get(source) ?? at));
    if (this.#denied.size <= this.#options.most) return;
    // Not without bound either. What is forgotten must not open again what was said before.
    this.#forgottenAt = Math.max(this.#forgottenAt, at);
    this.#granted.deletePatterns();
    for (const oldest of this.#denied.sources()) {
      if (!this.#options.isPublic(oldest)) return this.#denied.delete(oldest);
    }
  }

  /** What a token or the session view says, in place of what one said before. */
  setIdentity(identity: Identity): void {
    this.#asserted = null;
    this.#assertedAt = identity.at;
    if (identity.grants.length > 0) this.#asserted = tableOf(identity.grants);
  }

  /** A token opens a path. */
  addToken(path: string, token: TokenLifetime): void {
    this.#tokens ??= new Map();
    this.#tokens.set(path, token);
  }

  /** When the newest was said by tokens and the session view, in milliseconds since 1970; 0 for never. */
  get assertedAt(): number {
    let at = this.#assertedAt;
    for (const token of this.#tokens?.values() ?? []) at = Math.max(at, token.at);
    return at;
  }

  /** For how long a token opens a path, in milliseconds; undefined when none does. */
  tokenLeftMs(path: string, now: number): number | undefined {
    const token = this.#tokens?.get(path);
    return token === undefined ? undefined : Math.max(0, token.expiresAt - now);
  }

  /** Whether a token opens a path. */
  hasToken(path: string): boolean {
    return this.#tokens?.has(path) === true;
  }

  /** No token opens a path any more. */
  dropToken(path: string): void {
    this.#tokens?.delete(path);
  }

  /** Takes away the paths whose tokens have expired. */
  dropExpired(now: number): string[] {
    if (this.#tokens === null) return [];
    const expired = [...this.#tokens].filter(([, { expiresAt }]) => expiresAt <= now).map(([path]) => path);
    for (const path of expired) this.#tokens.delete(path);
    return expired;
  }

  #isAsserted(path: string, deniedAt: number): boolean {
    const since = Math.max(deniedAt, this.#forgottenAt);
    if (this.#asserted !== null && this.#assertedAt > since && this.#asserted.has(path)) return true;
    return (this.#tokens?.get(path)?.at ?? -1) > since;
  }
}
