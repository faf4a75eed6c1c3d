/** What one session may hear. Most sessions have nothing of their own: then only what is public counts, and nothing is made. */
import type { Identity, PathToken } from '../access/identity.js';
import { type Denial, Permissions } from '../access/permissions.js';

/** What the permissions of a session are given. */
export interface SessionPermissionsOptions {
  readonly isPublic: (path: string) => boolean;
  readonly maxSubscriptions: number;
}

const NONE: ReadonlySet<string> = new Set();

/** The permissions of a session. */
export class SessionPermissions {
  readonly #options: SessionPermissionsOptions;
  readonly #subscriptions: ReadonlyMap<string, unknown>;
  #made: Permissions | null = null;

  /** `subscriptions` are those of the session: the grants of their paths are kept longest. */
  constructor(options: SessionPermissionsOptions, subscriptions: ReadonlyMap<string, unknown>) {
    this.#options = options;
    this.#subscriptions = subscriptions;
  }

  /** The paths and patterns that a back end granted. */
  get granted(): ReadonlySet<string> {
    return this.#made?.granted ?? NONE;
  }

  /** What was taken from it since. */
  get denials(): readonly Denial[] {
    return this.#made?.denials ?? [];
  }

  /** When the newest was asserted by tokens and the session view, in milliseconds since 1970; 0 for never. */
  get assertedAt(): number {
    return this.#made?.assertedAt ?? 0;
  }

  /** When a path was taken away; null when it was not, or was granted since. */
  deniedAt(path: string): number | null {
    return this.#made?.deniedAt(path) ?? null;
  }

  /** Whether it may hear a path without a question to anybody. */
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

  /** For how long a token opens a path, in milliseconds; undefined when none does. */
  tokenLeftMs(path: string, now: number): number | undefined {
    return this.#made?.tokenLeftMs(path, now);
  }

  dropToken(path: string): void {
    this.#made?.dropToken(path);
  }

  /** Drops tokens that have expired; returns their paths. */
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
