/** The keys that open the back end's API: only their digests are held, and compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Pattern } from '../../../../protocol/patterns.js';

/** A key, and what it is good for. */
export interface ApiKey {
  /** What logs and answers call it; null: the one key that may do everything. */
  readonly name: string | null;
  /** SHA-256 of the key, 32 bytes. */
  readonly digest: Buffer;
  /** The methods that it may use; null: all. */
  readonly methods: ReadonlySet<string> | null;
  /** Patterns of the paths that it may name; null: all paths. */
  readonly patterns: readonly Pattern[] | null;
}

/** The digest of a key, as `ApiKey` has it. */
export const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The known keys. */
export class ApiKeys {
  readonly #full: readonly ApiKey[];
  #scoped: readonly ApiKey[] = [];

  /** At least one that may do everything. */
  constructor(keys: readonly string[]) {
    this.#full = keys.map((key) => ({ name: null, digest: digestOf(key), methods: null, patterns: null }));
  }

  /** From now on `keys` are good beside those that may do everything, and no others. */
  replaceScoped(keys: readonly ApiKey[]): void {
    this.#scoped = keys;
  }

  /** Whether this is the digest of a key that may do everything. */
  isFull(digest: Buffer): boolean {
    return this.#full.some((known) => timingSafeEqual(known.digest, digest));
  }

  /** Whether a key that was found is good still. */
  isKnown(key: ApiKey): boolean {
    return this.#full.includes(key) || this.#scoped.includes(key);
  }

  /** The key that an Authorization header carries as `Bearer <key>`; null when it carries no known one. */
  find(authorization: string | undefined): ApiKey | null {
    const key = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) return null;
    const offered = digestOf(key);
    let found: ApiKey | null = null;
    // All of them, whichever it is.
    for (const known of [...this.#full, ...this.#scoped]) {
      if (timingSafeEqual(known.digest, offered)) found ??= known;
    }
    return found;
  }
}
