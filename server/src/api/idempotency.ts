/**
 * Requests that carried an idempotency key, and their answers: the same request again gets the same answer and does nothing. Kept for
 * 5 minutes and bounded in count, the oldest first; a request that failed is not kept, so it may be tried again.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { fault } from '../http-errors.js';

const LIFETIME_MS = 5 * 60 * 1000;
const MAX_RECORDS = 100_000;

interface Record {
  readonly digest: string;
  readonly at: number;
  readonly answer: Promise<object>;
}

/** The memory of idempotency keys. */
export class Idempotency {
  readonly #clock: Clock;
  /** In the order of their time. */
  readonly #records = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `task`, unless the same request came with this key. @throws RequestFault for another request with the key. */
  async once(key: string, request: unknown, task: () => object | Promise<object>): Promise<object> {
    this.#prune();
    const digest = createHash('sha256').update(JSON.stringify(request)).digest('base64');
    const known = this.#records.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) throw fault('idempotency_key_reused', { field: 'idempotencyKey' });
      return { ...(await known.answer), repeated: true };
    }
    const answer = (async () => task())();
    this.#records.set(key, { digest, at: this.#clock.now(), answer });
    try {
      return await answer;
    } catch (error) {
      this.#records.delete(key);
      throw error;
    }
  }

  #prune(): void {
    const before = this.#clock.now() - LIFETIME_MS;
    for (const [key, { at }] of this.#records) {
      if (at >= before && this.#records.size < MAX_RECORDS) return;
      this.#records.delete(key);
    }
  }
}
