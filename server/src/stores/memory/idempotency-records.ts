/**
 * What was published with idempotency keys in the last 5 minutes. Bounded for each API key by itself: the oldest records are dropped
 * first. Only records that are dropped are looked at.
 */
import { LinkedMap } from '../../core/data/linked-map.js';
import type { IdempotencyKey, IdempotencyRecord } from '../../core/log/idempotency.js';
import type { Clock } from '../../core/time/clock.js';

const LIFETIME_MS = 5 * 60 * 1000;
/** Records of one API key: some 30 MB. */
export const MAX_IDEMPOTENCY_RECORDS = 100_000;

/** The records by the name of their API key; names without a record are dropped. */
export class IdempotencyRecords {
  readonly #clock: Clock;
  readonly #owners = new Map<string, LinkedMap<string, IdempotencyRecord>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns what was published to a path with a key. */
  find({ owner, key }: IdempotencyKey, path: string): IdempotencyRecord | undefined {
    this.#prune();
    return this.#owners.get(owner)?.get(nameOf(key, path));
  }

  /** Adds what was published now. */
  add(
    { owner, key, digest }: IdempotencyKey,
    { path, position }: Pick<IdempotencyRecord, 'path' | 'position'>,
  ): void {
    this.#set({ owner, key, digest, path, position, at: this.#clock.now() });
  }

  /** Returns all records, in the order of their time. */
  snapshots(): IdempotencyRecord[] {
    this.#prune();
    const all = [...this.#owners.values()].flatMap((records) => [...records].map(([, record]) => record));
    return all.sort((a, b) => a.at - b.at);
  }

  /** Adds the records of the server before. */
  restore(records: Iterable<IdempotencyRecord>): void {
    for (const record of records) {
      if (this.#owners.get(record.owner)?.has(nameOf(record.key, record.path)) !== true) this.#set(record);
    }
  }

  #set(record: IdempotencyRecord): void {
    let records = this.#owners.get(record.owner);
    if (records === undefined) {
      records = new LinkedMap();
      this.#owners.set(record.owner, records);
    }
    records.set(nameOf(record.key, record.path), record);
  }

  #prune(): void {
    const before = this.#clock.now() - LIFETIME_MS;
    for (const [owner, records] of this.#owners) {
      for (let oldest = records.oldest; oldest !== undefined; oldest = records.oldest) {
        if (oldest[1].at >= before && records.size <= MAX_IDEMPOTENCY_RECORDS) break;
        records.delete(oldest[0]);
      }
      if (records.size === 0) this.#owners.delete(owner);
    }
  }
}

/** Paths have no line breaks. */
const nameOf = (key: string, path: string): string => `${path}\n${key}`;
