/**
 * The paths of a local broker, with their logs and states in memory. All logs together are bounded in bytes: the least
 * recently published paths are evicted first. Heads of paths that are not joined are bounded in age and count; a dropped
 * head comes back as a new epoch. States, and the heads of their paths, are never dropped.
 */
import { LinkedMap } from '../../core/data/linked-map.js';
import type { Tail } from '../../core/log/broker.js';
import { PathLog } from '../../core/log/path-log.js';
import type { PathPolicy } from '../../core/log/path-policy.js';
import { PathState } from '../../core/log/path-state.js';
import { BROADCAST_PATH, isInbox } from '../../core/log/reserved-paths.js';
import type { StateEntry } from '../../core/log/state-snapshot.js';
import type { LogEntry } from '../../core/log/update.js';
import type { Clock, IdSource } from '../../core/time/clock.js';
import type { HeadRecord } from './records.js';

/** What is on disk of a path that is not in memory yet. */
export interface Unloaded {
  /** The offset before the oldest entry. */
  readonly floor: number;
  readonly logBytes: number;
  readonly stateBytes: number;
}

/** A path with a log. */
export interface StoredPath extends Tail {
  readonly name: string;
  log: PathLog;
  state: PathState | null;
  /** When it was last used, in milliseconds since 1970. */
  usedAt: number;
  isJoined: boolean;
  /** Whether it is dropped as soon as no call holds it: the inbox of an ended session. */
  isOver: boolean;
  /** The number of its calls under way: it is not dropped before they are done. */
  holds: number;
  /** Null once its log and state are in memory. */
  unloaded: Unloaded | null;
  /** Whether its epoch is on disk. */
  isOnDisk: boolean;
  /** The calls that wait until it is loaded, or its epoch is on disk; null for none. */
  preparing: { readonly done: Promise<void>; calls: number } | null;
}

/** Options of `StoredPaths`. */
export interface StoredPathsOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly policyOf: (path: string) => PathPolicy;
  /** The most bytes of all logs together. */
  readonly maxTotalBytes: number;
  /** How long the head of a path that is not joined is stored, in milliseconds. */
  readonly headTtlMs: number;
  /** The most stored heads of paths that are not joined. */
  readonly maxHeads: number;
}

/** What happens to paths beside what is asked for. */
export interface StoredPathsListener {
  /** Called when the entries after an offset, up to another, were evicted. */
  evicted(path: string, after: number, upTo: number): void;
  /** Called when a path was dropped, with its entries after an offset, up to another. */
  dropped(path: string, after: number, upTo: number): void;
}

/** Paths that are remembered as complete after a loss, beside those that are stored. */
export const MAX_COMPLETE_PATHS = 100_000;

export class StoredPaths {
  readonly #options: StoredPathsOptions;
  readonly #listener: StoredPathsListener;
  readonly #paths = new Map<string, StoredPath>();
  /** The paths with entries, in the order of their last update: the first is evicted first. */
  readonly #published = new LinkedMap<string, StoredPath>();
  /** Paths that are not joined, in the order of their last use. */
  readonly #idle = new LinkedMap<string, true>();
  /** The same for paths without updates. Any client can make these, so they push out no others. */
  readonly #idleUnused = new LinkedMap<string, true>();
  /** After a loss: the paths whose states the back end has completed. All others may be partial. */
  #completed: Set<string> | null = null;
  #totalBytes = 0;
  #stateBytes = 0;

  constructor(options: StoredPathsOptions, listener: StoredPathsListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Returns the bytes of all logs. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Returns the bytes of all states. */
  get stateBytes(): number {
    return this.#stateBytes;
  }

  /** Notes that states were lost: those that are made from now on may be partial. Called before anything is published. */
  loseStates(): void {
    this.#completed ??= new Set();
  }

  /** Notes that a state is complete; returns whether it was partial. */
  complete(stored: StoredPath): boolean {
    const { state, name } = stored;
    if (state === null) return false;
    if (this.#completed !== null && this.#completed.size < MAX_COMPLETE_PATHS) this.#completed.add(name);
    if (!state.isPartial) return false;
    state.isPartial = false;
    return true;
  }

  /** Returns a stored path, made if need be; it counts as used now. Returns null when its policy has no log. */
  use(name: string): StoredPath | null {
    const stored = this.#paths.get(name) ?? this.#make(name);
    if (stored === null) return null;
    this.#rest(stored);
    stored.usedAt = this.#options.clock.now();
    return stored;
  }

  /** The same for a path that is joined. */
  join(name: string): StoredPath | null {
    const stored = this.#paths.get(name) ?? this.#make(name);
    if (stored === null) return null;
    stored.usedAt = this.#options.clock.now();
    stored.isJoined = true;
    stored.isOver = false;
    this.#idle.delete(name);
    this.#idleUnused.delete(name);
    return stored;
  }

  /** Notes that a path is not joined any more. */
  leave(name: string): void {
    const stored = this.#paths.get(name);
    if (stored === undefined) return;
    stored.usedAt = this.#options.clock.now();
    stored.isJoined = false;
    // The inbox of an ended session has no reader any more.
    stored.isOver = isInbox(name) && name !== BROADCAST_PATH;
    this.#rest(stored);
  }

  /** Keeps a path until `release`. */
  hold(stored: StoredPath): void {
    stored.holds++;
    this.#idle.delete(stored.name);
    this.#idleUnused.delete(stored.name);
  }

  /** Ends what `hold` began. */
  release(stored: StoredPath): void {
    stored.holds--;
    if (this.has(stored)) this.#rest(stored);
  }

  /** Returns whether a path is stored. */
  has(stored: StoredPath): boolean {
    return this.#paths.get(stored.name) === stored;
  }

  /** Adds the next entry to a loaded path, and changes its state if the entry has a key. */
  append(stored: StoredPath, entry: LogEntry): void {
    const { log, state, name } = stored;
    const { bytes, floor } = log;
    log.append(entry);
    this.#totalBytes += log.bytes - bytes;
    if (entry.key !== null && state !== null) {
      const had = state.bytes;
      state.apply({ key: entry.key, text: entry.text }, entry.offset);
      this.#stateBytes += state.bytes - had;
    }
    if (log.floor > floor) this.#listener.evicted(name, floor, log.floor);
    this.#published.set(name, stored); // moves to the end
    this.#rest(stored);
    if (this.#totalBytes > this.#options.maxTotalBytes) this.#evictToBound();
  }

  /** Adds a path that is on disk, in an epoch. Paths come in the order of their last use. */
  restore(name: string, { head, usedAt, floor, logBytes, stateBytes, isPartial }: HeadRecord): void {
    const stored = this.#make(name, head.epoch);
    if (stored === null) return;
    stored.usedAt = usedAt;
    stored.log.restore(head.offset, []);
    if (stored.state !== null) stored.state.isPartial = isPartial;
    stored.unloaded = { floor, logBytes, stateBytes };
    stored.isOnDisk = true;
    this.#totalBytes += logBytes;
    this.#stateBytes += stateBytes;
    if (logBytes > 0) this.#published.set(name, stored);
    if (stateBytes === 0) (head.offset === 0 ? this.#idleUnused : this.#idle).set(name, true);
  }

  /** Fills a path with what is on disk; entries that do not reach its head, or have a hole before them, are lost. */
  load(stored: StoredPath, entries: readonly LogEntry[], state: readonly StateEntry[]): void {
    const { offset } = stored.log.head;
    let next = offset;
    let first = entries.length;
    // Left over by a path of this name that was dropped.
    while (first > 0 && (entries[first - 1] as LogEntry).offset > offset) first--;
    const end = first;
    while (first > 0 && entries[first - 1]?.offset === next) {
      first--;
      next--;
    }
    this.#counted(stored, () => {
      stored.unloaded = null;
      stored.log.restore(offset, entries.slice(first, end));
      stored.state?.restore([...state].sort((a, b) => a.offset - b.offset));
    });
    this.#rest(stored);
    this.#evictToBound();
  }

  /** Drops a path. */
  drop(name: string): void {
    const stored = this.#paths.get(name);
    if (stored === undefined) return;
    this.#counted(stored, () => undefined, -1);
    this.#idle.delete(name);
    this.#idleUnused.delete(name);
    this.#published.delete(name);
    this.#paths.delete(name);
    const { log, unloaded } = stored;
    this.#listener.dropped(name, unloaded?.floor ?? log.floor, log.head.offset);
  }

  /** Drops the inboxes of sessions that did not come back. */
  dropInboxes(): void {
    for (const { name, isJoined, holds } of this.#paths.values()) {
      if (!isJoined && holds === 0 && isInbox(name) && name !== BROADCAST_PATH) this.drop(name);
    }
  }

  /** Evicts entries and heads that are too old. */
  evictAged(): void {
    const now = this.#options.clock.now();
    for (const stored of this.#paths.values()) {
      const { name, log, usedAt } = stored;
      this.#counted(stored, () => log.evictAged(now));
      if (log.size === 0 && stored.unloaded === null) this.#published.delete(name);
      const isOld = now - usedAt > this.#options.headTtlMs;
      if (isOld && (this.#idle.has(name) || this.#idleUnused.has(name))) this.drop(name);
    }
  }

  /** Notes that no path is joined any more, since the server has stopped. */
  leaveAll(): void {
    for (const stored of this.#paths.values()) {
      stored.isJoined = false;
      this.#rest(stored);
    }
  }

  /** Returns the head of a path as it is stored, with what `more` adds to it. */
  recordOf(stored: StoredPath, more: { readonly offset?: number; readonly bytes?: number } = {}): HeadRecord {
    const { log, state, usedAt, unloaded } = stored;
    const { offset = log.head.offset, bytes = 0 } = more;
    return {
      head: { epoch: log.epoch, offset },
      usedAt,
      floor: unloaded?.floor ?? log.floor,
      logBytes: sizes(stored).log + bytes,
      stateBytes: sizes(stored).state + bytes,
      isPartial: state?.isPartial === true,
    };
  }

  /** Changes a path and keeps the sums of bytes; tells the listener of evicted entries. */
  #counted(stored: StoredPath, change: () => void, sign: 1 | -1 = 1): void {
    const before = sizes(stored);
    const floor = stored.unloaded?.floor ?? stored.log.floor;
    change();
    const after = sign === 1 ? sizes(stored) : { log: 0, state: 0 };
    this.#totalBytes += after.log - before.log;
    this.#stateBytes += after.state - before.state;
    const upTo = stored.unloaded?.floor ?? stored.log.floor;
    if (upTo > floor) this.#listener.evicted(stored.name, floor, upTo);
  }

  /** Stores a path, in a new epoch unless one is given; returns null when its policy has no log. */
  #make(name: string, epoch = this.#options.ids.epoch()): StoredPath | null {
    const { log: bounds, state, slow } = this.#options.policyOf(name);
    if (bounds === null) return null;
    const stored: StoredPath = {
      name,
      log: new PathLog(epoch, bounds, slow === 'latest'),
      state: state === null ? null : new PathState(state),
      usedAt: 0,
      isJoined: false,
      isOver: false,
      holds: 0,
      unloaded: null,
      isOnDisk: false,
      preparing: null,
    };
    if (stored.state !== null && this.#completed?.has(name) === false) stored.state.isPartial = true;
    this.#paths.set(name, stored);
    return stored;
  }

  #evictToBound(): void {
    for (let first = this.#published.oldest; first !== undefined; first = this.#published.oldest) {
      const [name, stored] = first;
      while (sizes(stored).log > 0 && this.#totalBytes > this.#options.maxTotalBytes)
        this.#counted(stored, () => evictOldest(stored));
      if (sizes(stored).log > 0) return;
      this.#published.delete(name);
    }
  }

  /** Stores the head of a path without listeners, within bounds of age and count; with a state it is kept for good. */
  #rest(stored: StoredPath): void {
    const { name, log, isJoined, holds } = stored;
    if (isJoined || holds > 0) return;
    if (stored.isOver) return this.drop(name);
    const isUnused = log.head.offset === 0;
    const idle = isUnused ? this.#idleUnused : this.#idle;
    (isUnused ? this.#idle : this.#idleUnused).delete(name);
    if (sizes(stored).state > 0) return void idle.delete(name);
    idle.set(name, true); // moves to the end
    for (let oldest = idle.oldest; oldest !== undefined; oldest = idle.oldest) {
      if (idle.size <= this.#options.maxHeads) return;
      this.drop(oldest[0]);
    }
  }
}

function sizes({ log, state, unloaded }: StoredPath): { readonly log: number; readonly state: number } {
  if (unloaded !== null) return { log: unloaded.logBytes, state: unloaded.stateBytes };
  return { log: log.bytes, state: state?.bytes ?? 0 };
}

/** Evicts the oldest entry; all entries of a log that is not in memory. */
function evictOldest(stored: StoredPath): void {
  const { log, unloaded } = stored;
  if (unloaded === null) log.evictOldest();
  else stored.unloaded = { ...unloaded, floor: log.head.offset, logBytes: 0 };
}
