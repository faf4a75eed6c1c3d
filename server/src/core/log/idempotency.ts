/** Idempotency keys of updates: a repeated request publishes nothing and gets the position of the first. */
import type { Position } from '../../../../protocol/positions.js';

/** The key by which a repeated draft takes effect once. */
export interface IdempotencyKey {
  /** The name of the API key, empty for the key that may do everything. Each owner has bounded records of its own. */
  readonly owner: string;
  /** The method, the idempotency key, and the place in a list. */
  readonly key: string;
  /** The digest of the request: another request must not reuse the key. */
  readonly digest: string;
}

/** A published update with its idempotency key. */
export interface IdempotencyRecord extends IdempotencyKey {
  readonly path: string;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
  readonly position: Position | null;
}
