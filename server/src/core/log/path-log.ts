/**
 * The log of one path: a head (epoch and last offset) and the newest entries, bounded in count, bytes and age. Entries
 * are dense: the one after offset n is n + 1, or it is evicted. Evicting never touches the head, so an offset is never
 * given twice in an epoch.
 */
import type { Position } from '../../../../protocol/positions.js';
import type { LogEntry } from './update.js';

/** The bounds of a log. */
export interface LogBounds {
  readonly maxUpdates: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** The entries of a log to read. */
export interface LogRange {
  /** The oldest ones after this offset. */
  readonly after?: number;
  /** Or the newest ones before this offset, in descending order. */
  readonly before?: number;
  readonly limit: number;
  /** The entry that reaches this many characters is the last. */
  readonly maxCharacters: number;
}

/** Evicted places are removed when there are so many, and more than entries. */
const COMPACT_AT = 512;

/** One path's head and entries. */
export class PathLog {
  readonly epoch: string;
  readonly #bounds: LogBounds;
  #entries: (LogEntry | undefined)[] = [];
  #start = 0;
  #head = 0;
  #bytes = 0;
  /** The newest entry of each key, and of updates without one; null unless readers skip replaced entries. */
  readonly #newest: Map<string | null, LogEntry> | null;

  /** `isSkipped`: whether `newestLike` will be called. */
  constructor(epoch: string, bounds: LogBounds, isSkipped = false) {
    this.epoch = epoch;
    this.#bounds = bounds;
    this.#newest = isSkipped ? new Map() : null;
  }

  /** Returns the position of the newest update; offset 0 before the first. */
  get head(): Position {
    return { epoch: this.epoch, offset: this.#head };
  }

  /** Returns the offset of the next update. */
  get nextOffset(): number {
    return this.#head + 1;
  }

  /** Returns the number of entries. */
  get size(): number {
    return this.#entries.length - this.#start;
  }

  /** Returns the bytes of the entries, with what they cost besides their text. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the offset before the oldest entry: a client at this offset or later has missed nothing. */
  get floor(): number {
    return this.#head - this.size;
  }

  /** Adds the next entry, whose offset must be `nextOffset`, and evicts what exceeds the bounds. */
  append(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#newest?.set(entry.key, entry);
    this.#head = entry.offset;
    this.#bytes += entry.bytes;
    while (this.size > this.#bounds.maxUpdates || (this.#bytes > this.#bounds.maxBytes && this.size > 0)) {
      this.evictOldest();
    }
    this.evictAged(entry.at);
  }

  /** Returns the entries, the oldest first. */
  get entries(): readonly LogEntry[] {
    return this.#entries.slice(this.#start) as LogEntry[];
  }

  /** Restores another log: its last offset and the entries up to there. Only for a new log. */
  restore(offset: number, entries: readonly LogEntry[]): void {
    for (const entry of entries) this.append(entry);
    this.#head = offset;
  }

  /** Returns the oldest entry after `offset`, or undefined. */
  after(offset: number): LogEntry | undefined {
    const index = Math.max(offset, this.floor) - this.floor;
    return this.#entries[this.#start + index];
  }

  /** Returns the newest entry before `offset`, or undefined. */
  before(offset: number): LogEntry | undefined {
    const index = Math.min(offset, this.nextOffset) - this.floor - 2;
    return index < 0 ? undefined : this.#entries[this.#start + index];
  }

  /** Returns the oldest entries after an offset, or the newest before one in descending order. */
  read({ after = this.floor, before, limit, maxCharacters }: LogRange): LogEntry[] {
    const next = (offset: number): LogEntry | undefined =>
      before === undefined ? this.after(offset) : this.before(offset);
    const entries: LogEntry[] = [];
    let room = maxCharacters;
    for (let entry = next(before ?? after); entry !== undefined; entry = next(entry.offset)) {
      if (entries.length === limit || room <= 0) break;
      entries.push(entry);
      room -= entry.text.length;
    }
    return entries;
  }

  /** Returns the newest entry with the key of `entry`, or without a key if it has no key. */
  newestLike(entry: LogEntry): LogEntry {
    return this.#newest?.get(entry.key) ?? entry;
  }

  /** Evicts entries older than the bound. */
  evictAged(now: number): void {
    let oldest = this.#entries[this.#start];
    while (oldest !== undefined && now - oldest.at > this.#bounds.maxAgeMs) {
      this.evictOldest();
      oldest = this.#entries[this.#start];
    }
  }

  evictOldest(): void {
    const oldest = this.#entries[this.#start];
    if (oldest === undefined) return;
    if (this.#newest?.get(oldest.key) === oldest) this.#newest.delete(oldest.key);
    this.#entries[this.#start] = undefined;
    this.#start++;
    this.#bytes -= oldest.bytes;
    if (this.#start >= COMPACT_AT && this.#start > this.size) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }
}
