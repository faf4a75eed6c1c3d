/**
 * The embedded broker: one process, everything in memory. It owns the logs and heads. All logs together are bounded
 * in bytes, paid for by the paths that were published to the longest ago; heads that nobody holds are
 * bounded in age and count, and a head that was dropped comes back as a new epoch.
 */
import type { Broker, Deliver } from '../../core/broker.js';
import type { Clock, IdSource } from '../../core/clock.js';
import { type LogBounds, PathLog } from '../../core/path-log.js';
import type { TimerWheel, WheelTimer } from '../../core/timer-wheel.js';
import { type Draft, logEntry, Update, updateText } from '../../core/update.js';

/** What the memory broker may use, and what it stands on. */
export interface MemoryBrokerOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly wheel: TimerWheel;
  /** The bounds of a path's log; null for none. */
  readonly logOf: (path: string) => LogBounds | null;
  /** Bytes that all logs together may have. */
  readonly maxTotalBytes: number;
  /** How long the head of a path is kept that nobody holds. */
  readonly headTtlMs: number;
  /** How many heads are kept that nobody holds. */
  readonly maxHeads: number;
}

interface Kept {
  readonly log: PathLog;
  usedAt: number;
}

const SWEEP_MS = 10_000;

/** A broker for one process. */
export class MemoryBroker implements Broker {
  readonly #options: MemoryBrokerOptions;
  readonly #kept = new Map<string, Kept>();
  /** The logs that hold entries, in the order of their last update: what is over the bound is taken from the first. */
  readonly #filled = new Map<string, PathLog>();
  /** Those that nobody holds, in the order of their last use. */
  readonly #idle = new Set<string>();
  /** The same, of paths that were never published to: whoever may subscribe can make these, so they push out no others. */
  readonly #idleUnused = new Set<string>();
  #totalBytes = 0;
  #deliver: Deliver = () => {
    throw new Error('the broker has not been started');
  };
  #sweep: WheelTimer | null = null;

  constructor(options: MemoryBrokerOptions) {
    this.#options = options;
  }

  /** Bytes of all logs. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  start(deliver: Deliver): void {
    this.#deliver = deliver;
    this.#sweepLater();
  }

  stop(): void {
    this.#sweep?.cancel();
    this.#sweep = null;
    this.#kept.clear();
    this.#filled.clear();
    this.#idle.clear();
    this.#idleUnused.clear();
    this.#totalBytes = 0;
  }

  publish(draft: Draft): Update {
    const kept = this.#keep(draft.path);
    const position = kept === null ? null : { epoch: kept.log.epoch, offset: kept.log.nextOffset };
    const text = updateText(draft.path, draft.text, position);
    if (kept !== null && position !== null) {
      const before = kept.log.bytes;
      kept.log.append(logEntry(draft, position.offset, { text, at: kept.usedAt }));
      this.#totalBytes += kept.log.bytes - before;
      this.#filled.delete(draft.path);
      this.#filled.set(draft.path, kept.log);
      if (this.#idleUnused.delete(draft.path)) this.#rest(draft.path, kept.log);
      if (this.#totalBytes > this.#options.maxTotalBytes) this.#evictToBound();
    }
    const update = new Update(draft, position, text);
    this.#deliver(update);
    return update;
  }

  hold(path: string): PathLog | null {
    const kept = this.#keep(path);
    if (kept === null) return null;
    this.#idle.delete(path);
    this.#idleUnused.delete(path);
    return kept.log;
  }

  release(path: string): void {
    const kept = this.#kept.get(path);
    if (kept === undefined) return;
    kept.usedAt = this.#options.clock.now();
    this.#rest(path, kept.log);
  }

  /** The log of a path, made if need be; it counts as used now. */
  #keep(path: string): Kept | null {
    let kept = this.#kept.get(path);
    if (kept === undefined) {
      const bounds = this.#options.logOf(path);
      if (bounds === null) return null;
      kept = { log: new PathLog(this.#options.ids.epoch(), bounds), usedAt: 0 };
      this.#kept.set(path, kept);
      this.#rest(path, kept.log);
    } else if (this.#idle.delete(path) || this.#idleUnused.delete(path)) this.#rest(path, kept.log);
    kept.usedAt = this.#options.clock.now();
    return kept;
  }

  #evictToBound(): void {
    for (const [path, log] of this.#filled) {
      while (log.size > 0 && this.#totalBytes > this.#options.maxTotalBytes) {
        const before = log.bytes;
        log.evictOldest();
        this.#totalBytes -= before - log.bytes;
      }
      if (log.size > 0) return;
      this.#filled.delete(path);
    }
  }

  /** Nobody holds the path: its head is kept, for a while and as one of so many. */
  #rest(path: string, log: PathLog): void {
    const idle = log.head.offset === 0 ? this.#idleUnused : this.#idle;
    idle.add(path);
    if (idle.size <= this.#options.maxHeads) return;
    for (const oldest of idle) return this.#drop(oldest);
  }

  #drop(path: string): void {
    this.#idle.delete(path);
    this.#idleUnused.delete(path);
    this.#filled.delete(path);
    this.#totalBytes -= this.#kept.get(path)?.log.bytes ?? 0;
    this.#kept.delete(path);
  }

  #sweepLater(): void {
    this.#sweep = this.#options.wheel.after(SWEEP_MS, () => {
      this.#evictAged();
      this.#sweepLater();
    });
  }

  #evictAged(): void {
    const now = this.#options.clock.now();
    for (const [path, kept] of this.#kept) {
      const before = kept.log.bytes;
      kept.log.evictAged(now);
      this.#totalBytes -= before - kept.log.bytes;
      if (kept.log.size === 0) this.#filled.delete(path);
      if (now - kept.usedAt > this.#options.headTtlMs && (this.#idle.has(path) || this.#idleUnused.has(path)))
        this.#drop(path);
    }
  }
}
