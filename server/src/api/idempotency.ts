/**
 * Requests that carried an idempotency key, and their answers: the same request again gets the same answer and does nothing. Kept for
 * 5 minutes and bounded in what the answers hold, the oldest first, for each API key by itself; a request that failed is not kept, so it
 * may be tried again.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { AnsweredRequest } from '../core/handoff.js';
import { fault } from '../http-errors.js';

const LIFETIME_MS = 5 * 60 * 1000;
/** Answers that are kept, one for each update that they speak of: some 30 MB. */
const MAX_ANSWERS = 100_000;

interface Kept {
  /** The name of the API key; empty for the one that may do everything. */
  readonly owner: string;
  readonly digest: string;
  readonly at: number;
  readonly answer: Promise<object>;
  /** The answer, once it is known. */
  answered: object | null;
  /** What it counts against the bound. */
  answers: number;
}

/** The memory of idempotency keys. */
export class Idempotency {
  readonly #clock: Clock;
  /** In the order of their time. */
  readonly #kept = new Map<string, Kept>();
  /** By API key. */
  readonly #answers = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `task`, unless the same request came with this key. @throws RequestFault for another request with the key. */
  async once(key: string, request: unknown, task: () => object | Promise<object>): Promise<object> {
    this.#prune();
    const digest = digestOf(request);
    const known = this.#kept.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) throw fault('idempotency_key_reused', { field: 'idempotencyKey' });
      return { ...(await known.answer), repeated: true };
    }
    const answering = { answer: (async () => task())(), answered: null, answers: 0 };
    const kept: Kept = { owner: ownerOf(key), digest, at: this.#clock.now(), ...answering };
    this.#kept.set(key, kept);
    try {
      const answer = await kept.answer;
      // It may have been forgotten meanwhile, and the key be another's.
      if (this.#kept.get(key) === kept) this.#count(kept, answer);
      return answer;
    } catch (error) {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      throw error;
    }
  }

  /** The requests that have been answered, in the order of their time. */
  handOver(): AnsweredRequest[] {
    this.#prune();
    return [...this.#kept].flatMap(([key, { digest, at, answered: answer }]) =>
      answer === null ? [] : [{ key, digest, at, answer }],
    );
  }

  /** Knows what the server before has answered, with its times. */
  takeOver(requests: Iterable<AnsweredRequest>): void {
    for (const { key, digest, at, answer } of requests) {
      if (this.#kept.has(key)) continue;
      const kept: Kept = {
        owner: ownerOf(key),
        digest,
        at,
        answer: Promise.resolve(answer),
        answered: null,
        answers: 0,
      };
      this.#kept.set(key, kept);
      this.#count(kept, answer);
    }
  }

  #count(kept: Kept, answer: object): void {
    kept.answered = answer;
    kept.answers = 'results' in answer && Array.isArray(answer.results) ? answer.results.length + 1 : 1;
    this.#add(kept.owner, kept.answers);
  }

  #add(owner: string, answers: number): void {
    this.#answers.set(owner, (this.#answers.get(owner) ?? 0) + answers);
  }

  #prune(): void {
    const before = this.#clock.now() - LIFETIME_MS;
    const isOver = (owner: string): boolean => (this.#answers.get(owner) ?? 0) > MAX_ANSWERS;
    const isAnyOver = [...this.#answers.keys()].some(isOver);
    for (const [key, { owner, at, answers }] of this.#kept) {
      if (at >= before && !isAnyOver) return;
      if (at >= before && !isOver(owner)) continue;
      this.#kept.delete(key);
      this.#add(owner, -answers);
    }
  }
}

/** Whose a record is: what stands before the colon of its key, where there is one. */
const ownerOf = (key: string): string => /^([^ :]*):/.exec(key)?.[1] ?? '';

/** @throws RequestFault for what cannot be written again as JSON, being nested too deep. */
function digestOf(request: unknown): string {
  try {
    return createHash('sha256').update(JSON.stringify(request)).digest('base64');
  } catch {
    throw fault('bad_field', { message: 'The request is nested too deep.' });
  }
}
