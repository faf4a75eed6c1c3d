/** What the keys that tokens are checked with come from. */
import type { KeySet } from './key-set.js';

/** A place of published keys. Never rejects; null: keys cannot be had just now. */
export interface KeySource {
  /** The keys as far as they are known. */
  keys(): Promise<KeySet | null>;
  /** The keys after a token has named one that is not among them: looked at again, if it is time. */
  newerKeys(): Promise<KeySet | null>;
  /** Begins. Idempotent. */
  start(): void;
  /** Ends: nothing is asked from then on. Idempotent. */
  stop(): Promise<void>;
}

/** The keys cannot be used at all; the message names where they are and what is wrong. */
export class TokenKeysError extends Error {
  override readonly name = 'TokenKeysError';
}
