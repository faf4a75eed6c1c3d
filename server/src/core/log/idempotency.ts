/** Updates that carry an idempotency key: the same request again publishes nothing and is answered with the first position. */
import type { Position } from '../../../../protocol/positions.js';

/** What makes a repeated draft take effect once. */
export interface IdempotencyKey {
  /** The name of the API key, empty for the one that may do everything: each has its own records, within bounds of its own. */
  readonly owner: string;
  /** The method, its idempotency key, and the place in a list. */
  readonly key: string;
  /** Tells one request from another. */
  readonly digest: string;
}

/** An update that was published with such a key. */
export interface IdempotencyRecord extends IdempotencyKey {
  readonly path: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly position: Position | null;
}
