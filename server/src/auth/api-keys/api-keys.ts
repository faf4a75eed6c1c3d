/** The keys of the HTTP API. Only their digests are stored, and compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Pattern } from '../../../../protocol/patterns.js';

/** A key and its scope. */
export interface ApiKey {
  /** Its name in logs and answers; null for an unrestricted key. */
  readonly name: string | null;
  /** SHA-256 of the key, 32 bytes. */
  readonly digest: Buffer;
  /** The methods that it may use; null for all. */
  readonly methods: ReadonlySet<string> | null;
  /** Patterns of the paths that it may name; null for all paths. */
  readonly patterns: readonly Pattern[] | null;
}

/** Returns the SHA-256 of a key. */
export const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The keys that the server accepts. */
export class ApiKeys {
  readonly #full: readonly ApiKey[];
  #scoped: readonly ApiKey[] = [];

  /** @param keys the unrestricted keys, at least one */
  constructor(keys: readonly string[]) {
    this.#full = keys.map((key) => ({ name: null, digest: digestOf(key), methods: null, patterns: null }));
  }

  /** Replaces all scoped keys; the unrestricted ones stay. */
  replaceScoped(keys: readonly ApiKey[]): void {
    this.#scoped = keys;
  }

  /** Returns whether this is the digest of an unrestricted key. */
  isFull(digest: Buffer): boolean {
    return this.#full.some((known) => timingSafeEqual(known.digest, digest));
  }

  /** Returns whether a key from `find` is still accepted. */
  isKnown(key: ApiKey): boolean {
    return this.#full.includes(key) || this.#scoped.includes(key);
  }

  /** Returns the key of an Authorization header `Bearer <key>`; null when the header has no accepted key. */
  find(authorization: string | undefined): ApiKey | null {
    const key = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) return null;
    const offered = digestOf(key);
    let found: ApiKey | null = null;
    // Compares all keys, so that the time does not reveal which one matches.
    for (const known of [...this.#full, ...this.#scoped]) {
      if (timingSafeEqual(known.digest, offered)) found ??= known;
    }
    return found;
  }
}
