/**
 * Requests that carried an idempotency key, and their answers: the same request again gets the same answer and does nothing. Kept for
 * 5 minutes and bounded in what the answers hold, the oldest first, for each API key by itself; a request that failed is not kept, so it
 * may be tried again.
 */
import { createHash } from 'node:crypto';
import { LinkedMap } from '../core/data/linked-map.js';
import type { AnsweredRequest } from '../core/log/idempotency.js';
import type { Clock } from '../core/time/clock.js';
import { fault } from '../http/http-errors.js';

const LIFETIME_MS = 5 * 60 * 1000;
/** Answers that are kept, one for each update that they speak of: some 30 MB. */
export const MAX_ANSWERS = 100_000;

interface Kept {
  readonly digest: string;
  readonly at: number;
  readonly answer: Promise<object>;
  /** The answer, once it is known. */
  answered: object | null;
  /** What it counts against the bound. */
  answers: number;
}

/** What is kept of the requests of one API key. */
interface Owner {
  /** In the order of their time. */
  readonly kept: LinkedMap<string, Kept>;
  /** What all of them count. */
  answers: number;
}

/** The memory of idempotency keys. */
export class Idempotency {
  readonly #clock: Clock;
  /** By the name of the API key, which is empty for the one that may do everything. Owners that have nothing are dropped. */
  readonly #owners = new Map<string, Owner>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `task`, unless the same request came with this key. @throws RequestFault for another request with the key. */
  async once(key: string, request: unknown, task: () => object | Promise<object>): Promise<object> {
    this.#prune();
    const digest = digestOf(request);
    const owner = this.#ownerOf(key);
    const known = owner.kept.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) throw fault('idempotency_key_reused', { field: 'idempotencyKey' });
      return { ...(await known.answer), repeated: true };
    }
    const answering = { answer: (async () => task())(), answered: null, answers: 0 };
    const kept: Kept = { digest, at: this.#clock.now(), ...answering };
    owner.kept.set(key, kept);
    try {
      const answer = await kept.answer;
      // It may have been forgotten meanwhile, and the key be another's.
      if (owner.kept.get(key) === kept) count(owner, kept, answer);
      return answer;
    } catch (error) {
      if (owner.kept.get(key) === kept) owner.kept.delete(key);
      throw error;
    }
  }

  /** The requests that have been answered, in the order of their time. */
  snapshots(): AnsweredRequest[] {
    this.#prune();
    const all = [...this.#owners.values()].flatMap(({ kept }) => [...kept]);
    return all
      .flatMap(([key, { digest, at, answered: answer }]) =>
        answer === null ? [] : [{ key, digest, at, answer }],
      )
      .sort((a, b) => a.at - b.at);
  }

  /** Knows what the server before has answered, with its times. */
  restore(requests: Iterable<AnsweredRequest>): void {
    for (const { key, digest, at, answer } of requests) {
      const owner = this.#ownerOf(key);
      if (owner.kept.has(key)) continue;
      const kept: Kept = { digest, at, answer: Promise.resolve(answer), answered: null, answers: 0 };
      owner.kept.set(key, kept);
      count(owner, kept, answer);
    }
  }

  #ownerOf(key: string): Owner {
    const name = nameOf(key);
    let owner = this.#owners.get(name);
    if (owner === undefined) {
      owner = { kept: new LinkedMap(), answers: 0 };
      this.#owners.set(name, owner);
    }
    return owner;
  }

  /** Forgets what is too old, and the oldest of what is too much: only what is removed is looked at. */
  #prune(): void {
    const before = this.#clock.now() - LIFETIME_MS;
    for (const [name, owner] of this.#owners) {
      for (let oldest = owner.kept.oldest; oldest !== undefined; oldest = owner.kept.oldest) {
        const [key, { at, answers }] = oldest;
        if (at >= before && owner.answers <= MAX_ANSWERS) break;
        owner.kept.delete(key);
        owner.answers -= answers;
      }
      if (owner.kept.size === 0) this.#owners.delete(name);
    }
  }
}

function count(owner: Owner, kept: Kept, answer: object): void {
  kept.answered = answer;
  kept.answers = 'results' in answer && Array.isArray(answer.results) ? answer.results.length + 1 : 1;
  owner.answers += kept.answers;
}

/** Whose a record is: what stands before the colon of its key, where there is one. */
const nameOf = (key: string): string => /^([^ :]*):/.exec(key)?.[1] ?? '';

/** @throws RequestFault for what cannot be written again as JSON, being nested too deep. */
function digestOf(request: unknown): string {
  try {
    return createHash('sha256').update(JSON.stringify(request)).digest('base64');
  } catch {
    throw fault('bad_field', { message: 'The request is nested too deep.' });
  }
}
