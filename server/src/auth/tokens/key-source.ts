/** Where published token keys come from. */
import type { KeySet } from './key-set.js';

/** A source of published keys. Never rejects; null while no keys are available. */
export interface KeySource {
  /** Returns the known keys. */
  keys(): Promise<KeySet | null>;
  /** Returns the keys for a token that names an unknown one, after reloading them if that is due. */
  newerKeys(): Promise<KeySet | null>;
  /** Starts loading. Idempotent. */
  start(): void;
  /** Stops loading. Idempotent. */
  stop(): Promise<void>;
}

/** Thrown at the start when no keys can be used; the message names their place and the fault. */
export class TokenKeysError extends Error {
  override readonly name = 'TokenKeysError';
}
