/**
 * The log of one path: a head (epoch and last offset) and the newest entries, bounded in count, bytes and
 * age. Entries are dense: the one after offset n is n + 1, or it is evicted. Evicting never touches
 * the head, so an offset is never given twice in an epoch.
 */
import type { Position } from '../../../../protocol/positions.js';
import type { LogEntry } from './update.js';

/** How much of a path is kept for replay. */
export interface LogBounds {
  readonly maxUpdates: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Which entries of a log are read. */
export interface LogRange {
  /** The oldest ones after this offset. */
  readonly after?: number;
  /** Or the newest ones before this offset, the newest first. */
  readonly before?: number;
  readonly limit: number;
  /** The entry that reaches so many characters is the last. */
  readonly maxCharacters: number;
}

/** Evicted places are cut off when there are so many, and more than entries. */
const COMPACT_AT = 512;

/** One path's head and entries. */
export class PathLog {
  readonly epoch: string;
  readonly #bounds: LogBounds;
  #entries: (LogEntry | undefined)[] = [];
  #start = 0;
  #head = 0;
  #bytes = 0;
  /** The newest entry of each key, and that without a key; where readers may skip what it replaces. */
  readonly #newest: Map<string | null, LogEntry> | null;

  /** `isSkipped`: whether `newestLike` will be asked. */
  constructor(epoch: string, bounds: LogBounds, isSkipped = false) {
    this.epoch = epoch;
    this.#bounds = bounds;
    this.#newest = isSkipped ? new Map() : null;
  }

  /** Where the newest update stands; offset 0 before the first. */
  get head(): Position {
    return { epoch: this.epoch, offset: this.#head };
  }

  /** The offset that the next update will have. */
  get nextOffset(): number {
    return this.#head + 1;
  }

  /** Entries that are held. */
  get size(): number {
    return this.#entries.length - this.#start;
  }

  /** Bytes that are held, with what the entries cost besides their text. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The offset before the oldest entry that is held: who stands here or later misses nothing. */
  get floor(): number {
    return this.#head - this.size;
  }

  /** Adds the next entry, whose offset must be `nextOffset`, and evicts what is over the bounds. */
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

  /** The entries that are held, the oldest first. */
  get entries(): readonly LogEntry[] {
    return this.#entries.slice(this.#start) as LogEntry[];
  }

  /** Stands where another log stood: at `offset`, with the last entries up to there. Only of a log that is new. */
  restore(offset: number, entries: readonly LogEntry[]): void {
    for (const entry of entries) this.append(entry);
    this.#head = offset;
  }

  /** The oldest entry after `offset`, or undefined when there is none. */
  after(offset: number): LogEntry | undefined {
    const index = Math.max(offset, this.floor) - this.floor;
    return this.#entries[this.#start + index];
  }

  /** The newest entry before `offset`, or undefined when there is none. */
  before(offset: number): LogEntry | undefined {
    const index = Math.min(offset, this.nextOffset) - this.floor - 2;
    return index < 0 ? undefined : this.#entries[this.#start + index];
  }

  /** Returns the oldest entries after an offset, or the newest before one, the newest first. */
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

  /** The newest entry with the key of `entry`, or without one if it has none. */
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

  /** Evicts one entry. */
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
