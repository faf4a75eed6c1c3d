/**
 * What was published with idempotency keys in the last 5 minutes. Bounded for each API key by itself: the oldest records
 * are dropped first. Only records that are dropped are looked at.
 */
import { LinkedMap } from '../../core/data/linked-map.js';
import type { IdempotencyKey, IdempotencyRecord } from '../../core/log/idempotency.js';
import type { Clock } from '../../core/time/clock.js';

const LIFETIME_MS = 5 * 60 * 1000;
/** Records of one API key. */
export const MAX_IDEMPOTENCY_RECORDS = 100_000;
/** Bytes that the records of one API key hold, roughly. */
export const MAX_IDEMPOTENCY_BYTES = 48 * 1024 * 1024;
const RECORD_BYTES = 256;

/** The records of one API key, the oldest first. */
interface Owner {
  readonly records: LinkedMap<string, IdempotencyRecord>;
  bytes: number;
}

/** The records by the name of their API key; names without a record are dropped. */
export class IdempotencyRecords {
  readonly #clock: Clock;
  readonly #owners = new Map<string, Owner>();
  readonly #onDropped: (record: IdempotencyRecord) => void;

  /** @param onDropped called for each record that is dropped */
  constructor(clock: Clock, onDropped: (record: IdempotencyRecord) => void = () => undefined) {
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Returns what was published to a path with a key. */
  find({ owner, key }: IdempotencyKey, path: string): IdempotencyRecord | undefined {
    this.#prune();
    return this.#owners.get(owner)?.records.get(nameOf(key, path));
  }

  /** Returns the record of what is published now. */
  recordOf(
    { owner, key, digest }: IdempotencyKey,
    { path, position }: Pick<IdempotencyRecord, 'path' | 'position'>,
  ): IdempotencyRecord {
    return { owner, key, digest, path, position, at: this.#clock.now() };
  }

  /** Adds what was published now. */
  add(key: IdempotencyKey, published: Pick<IdempotencyRecord, 'path' | 'position'>): void {
    this.#set(this.recordOf(key, published));
  }

  /** Returns all records, in the order of their time. */
  snapshots(): IdempotencyRecord[] {
    this.#prune();
    const all = [...this.#owners.values()].flatMap(({ records }) => [...records].map(([, record]) => record));
    return all.sort((a, b) => a.at - b.at);
  }

  /** Adds the records of the server before. */
  restore(records: Iterable<IdempotencyRecord>): void {
    for (const record of records) this.#set(record);
  }

  #set(record: IdempotencyRecord): void {
    const owner = this.#owners.get(record.owner) ?? { records: new LinkedMap(), bytes: 0 };
    this.#owners.set(record.owner, owner);
    const name = nameOf(record.key, record.path);
    if (owner.records.has(name)) return;
    owner.records.set(name, record);
    owner.bytes += bytesOf(name);
  }

  #prune(): void {
    const before = this.#clock.now() - LIFETIME_MS;
    for (const [name, owner] of this.#owners) {
      const { records } = owner;
      for (let oldest = records.oldest; oldest !== undefined; oldest = records.oldest) {
        const isFull = records.size > MAX_IDEMPOTENCY_RECORDS || owner.bytes > MAX_IDEMPOTENCY_BYTES;
        if (oldest[1].at >= before && !isFull) break;
        records.delete(oldest[0]);
        this.#onDropped(oldest[1]);
        owner.bytes -= bytesOf(oldest[0]);
      }
      if (records.size === 0) this.#owners.delete(name);
    }
  }
}

/** Paths have no line breaks. */
const nameOf = (key: string, path: string): string => `${path}\n${key}`;

/** The texts are held twice, in up to two bytes a character. */
const bytesOf = (name: string): number => RECORD_BYTES + 4 * name.length;
