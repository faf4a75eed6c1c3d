/**
 * The permissions of one session, made at its first grant, denial, identity or token. Until then only public paths
 * count.
 */
import type { Identity, PathToken } from '../access/identity.js';
import { type Denial, Permissions } from '../access/permissions.js';

/** Options of `SessionPermissions`. */
export interface SessionPermissionsOptions {
  readonly isPublic: (path: string) => boolean;
  readonly maxSubscriptions: number;
}

const NONE: ReadonlySet<string> = new Set();

export class SessionPermissions {
  readonly #options: SessionPermissionsOptions;
  readonly #subscriptions: ReadonlyMap<string, unknown>;
  #made: Permissions | null = null;

  /** `subscriptions` are those of the session: the grants of their paths are kept longest. */
  constructor(options: SessionPermissionsOptions, subscriptions: ReadonlyMap<string, unknown>) {
    this.#options = options;
    this.#subscriptions = subscriptions;
  }

  /** Returns the paths and patterns that back ends granted. */
  get granted(): ReadonlySet<string> {
    return this.#made?.granted ?? NONE;
  }

  /** Returns the denials. */
  get denials(): readonly Denial[] {
    return this.#made?.denials ?? [];
  }

  /** Returns the time of the newest token or identity, in milliseconds since 1970; 0 without one. */
  get assertedAt(): number {
    return this.#made?.assertedAt ?? 0;
  }

  /** Returns when a path was denied; null if it was not, or was granted since. */
  deniedAt(path: string): number | null {
    return this.#made?.deniedAt(path) ?? null;
  }

  /** Returns whether the session may hear a path, without asking the back end. */
  mayHear(path: string): boolean {
    return this.#made?.mayHear(path) ?? this.#options.isPublic(path);
  }

  grant(source: string): void {
    this.#own().grant(source);
  }

  deny(source: string, at: number): void {
    this.#own().deny(source, at);
  }

  setIdentity(identity: Identity): void {
    this.#own().setIdentity(identity);
  }

  addToken(path: string, token: PathToken): void {
    this.#own().addToken(path, token);
  }

  hasToken(path: string): boolean {
    return this.#made?.hasToken(path) === true;
  }

  /** Returns for how long a token opens a path, in milliseconds; undefined without a token. */
  tokenLeftMs(path: string, now: number): number | undefined {
    return this.#made?.tokenLeftMs(path, now);
  }

  dropToken(path: string): void {
    this.#made?.dropToken(path);
  }

  /** Removes expired tokens; returns their paths. */
  dropExpired(now: number): string[] {
    return this.#made?.dropExpired(now) ?? [];
  }

  #own(): Permissions {
    const { isPublic, maxSubscriptions } = this.#options;
    this.#made ??= new Permissions({
      isPublic,
      most: 2 * maxSubscriptions,
      isInUse: (path) => this.#subscriptions.has(path),
    });
    return this.#made;
  }
}
