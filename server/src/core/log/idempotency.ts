/** Requests that carried an idempotency key. */

/** A request that was answered, which may come again. */
export interface AnsweredRequest {
  /** The method and its idempotency key. */
  readonly key: string;
  readonly digest: string;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
  readonly answer: object;
}
