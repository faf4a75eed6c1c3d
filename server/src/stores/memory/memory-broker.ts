/**
 * The broker of one process, which stores everything in memory and answers at once. All logs together are bounded in
 * bytes: the least recently published paths are evicted first. Heads of paths that are not joined are bounded in age
 * and count; a dropped head comes back as a new epoch. States, and the heads of their paths, are never dropped: changes
 * beyond the bounds are refused.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import { LinkedMap } from '../../core/data/linked-map.js';
import { pageOf } from '../../core/data/page.js';
import type {
  Broker,
  Deliver,
  LogPage,
  Published,
  StatePage,
  StateRange,
  Tail,
} from '../../core/log/broker.js';
import { type LogRange, PathLog } from '../../core/log/path-log.js';
import type { PathPolicy } from '../../core/log/path-policy.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import { type Change, PathState } from '../../core/log/path-state.js';
import { BROADCAST_PATH, isInbox } from '../../core/log/reserved-paths.js';
import { type Draft, logEntry, Update } from '../../core/log/update.js';
import type { Clock, IdSource } from '../../core/time/clock.js';
import type { TimerWheel, WheelTimer } from '../../core/time/timer-wheel.js';
import { IdempotencyRecords } from './idempotency-records.js';
import { faultOf } from './state-bounds.js';

/** Options of `MemoryBroker`. */
export interface MemoryBrokerOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly wheel: TimerWheel;
  readonly policyOf: (path: string) => PathPolicy;
  /** The most bytes of all logs together. */
  readonly maxTotalBytes: number;
  /** The most bytes of all states together. */
  readonly maxStateBytes: number;
  /** How long the head of a path that is not joined is stored, in milliseconds. */
  readonly headTtlMs: number;
  /** The most stored heads of paths that are not joined. */
  readonly maxHeads: number;
  /** Called when a state has changed. */
  readonly onState?: () => void;
}

interface StoredPath extends Tail {
  /** When it was last used, in milliseconds since 1970. */
  usedAt: number;
  isJoined: boolean;
}

const SWEEP_MS = 10_000;
/** Paths that are remembered as complete after a loss, beside those that are stored. */
export const MAX_COMPLETE_PATHS = 100_000;

/** A broker for one process. */
export class MemoryBroker implements Broker {
  readonly #options: MemoryBrokerOptions;
  readonly #paths = new Map<string, StoredPath>();
  /** The logs with entries, in the order of their last update: the first is evicted first. */
  readonly #logs = new LinkedMap<string, PathLog>();
  /** Paths that are not joined, in the order of their last use. */
  readonly #idle = new LinkedMap<string, true>();
  /** The same for paths without updates. Any client can make these, so they push out no others. */
  readonly #idleUnused = new LinkedMap<string, true>();
  /** The records of updates with idempotency keys. */
  readonly idempotency: IdempotencyRecords;
  /** After a loss: the paths whose states the back end has completed. All others may be partial. */
  #completed: Set<string> | null = null;
  #totalBytes = 0;
  #stateBytes = 0;
  #deliver: Deliver = () => {
    throw new Error('the broker has not been started');
  };
  #sweep: WheelTimer | null = null;

  constructor(options: MemoryBrokerOptions) {
    this.#options = options;
    this.idempotency = new IdempotencyRecords(options.clock);
  }

  /** Returns the bytes of all logs. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Returns the bytes of all states. */
  get stateBytes(): number {
    return this.#stateBytes;
  }

  /** Returns whether states were lost: those that are made from now on may be partial. */
  get areStatesLost(): boolean {
    return this.#completed !== null;
  }

  /** Notes that a crash has lost states. Called before anything is published. */
  loseStates(): void {
    this.#completed ??= new Set();
  }

  complete(path: string): boolean {
    const { state } = this.#use(path) ?? {};
    if (state == null) return false;
    if (this.#completed !== null && this.#completed.size < MAX_COMPLETE_PATHS) this.#completed.add(path);
    if (!state.isPartial) return false;
    state.isPartial = false;
    return true;
  }

  start(deliver: Deliver): void {
    this.#deliver = deliver;
    this.#sweepLater();
  }

  stop(): void {
    this.#sweep?.cancel();
    this.#sweep = null;
    this.#paths.clear();
    this.#logs.clear();
    this.#idle.clear();
    this.#idleUnused.clear();
    this.#totalBytes = 0;
    this.#stateBytes = 0;
  }

  publish(drafts: readonly Draft[]): Outcome<readonly Published[]> {
    const [first] = drafts;
    if (drafts.length === 1 && first?.key === null && first.idempotency === undefined) {
      const update = this.#append(this.#use(first.path), first);
      this.#deliver(update);
      return { value: [{ position: update.position, isRepeated: false }] };
    }
    const path = first?.path ?? '';
    const repeated = drafts.map(({ idempotency: key }) => key && this.idempotency.find(key, path));
    if (
      repeated.some((record, i) => record !== undefined && record.digest !== drafts[i]?.idempotency?.digest)
    )
      return { error: errorBody('idempotency_key_reused', { field: 'idempotencyKey' }) };
    const stored = this.#use(path);
    const fresh = drafts.filter((_, i) => repeated[i] === undefined);
    const fault = this.#faultOf(stored, fresh);
    if (fault !== null) return { error: fault };
    const updates = fresh.map((draft) => this.#append(stored, draft));
    for (const update of updates) this.#deliver(update);
    let next = 0;
    return {
      value: repeated.map((record) => ({
        position: record === undefined ? (updates[next++] as Update).position : record.position,
        isRepeated: record !== undefined,
      })),
    };
  }

  #append(stored: StoredPath | null, draft: Draft): Update {
    const { path, idempotency } = draft;
    const position = stored === null ? null : { epoch: stored.log.epoch, offset: stored.log.nextOffset };
    if (stored !== null && position !== null) this.#store(stored, draft, position.offset);
    if (idempotency !== undefined) this.idempotency.add(idempotency, { path, position });
    return new Update(draft, position);
  }

  /** Returns why drafts of a path may not be published together, or null. */
  #faultOf(stored: StoredPath | null, drafts: readonly Draft[]): ErrorBody | null {
    const keyed = drafts.filter((draft): draft is Draft & Change => draft.key !== null);
    if (keyed.length === 0) return null;
    if (stored === null || stored.state === null) return errorBody('no_state', { field: 'key' });
    const { maxStateBytes } = this.#options;
    return faultOf(stored.state, keyed, { maxStateBytes, stateBytes: this.#stateBytes });
  }

  /** Drops the inboxes of sessions that did not come back. */
  dropInboxes(): void {
    for (const [path, { isJoined }] of this.#paths) {
      if (!isJoined && isInbox(path) && path !== BROADCAST_PATH) this.#drop(path);
    }
  }

  join(path: string): Tail | null {
    const stored = this.#paths.get(path) ?? this.#make(path);
    if (stored === null) return null;
    stored.usedAt = this.#options.clock.now();
    stored.isJoined = true;
    this.#idle.delete(path);
    this.#idleUnused.delete(path);
    return stored;
  }

  read(path: string, range: LogRange): LogPage | null {
    const stored = this.#use(path);
    if (stored === null) return null;
    const { head, floor } = stored.log;
    return { head, floor, entries: stored.log.read(range) };
  }

  readState(path: string, { keys, maxCharacters, ...range }: StateRange): StatePage | null {
    const stored = this.#use(path);
    if (stored === null || stored.state === null) return null;
    const { state, log } = stored;
    const wanted = keys && new Set(keys);
    const entries = [...state.entries].filter(([key]) => wanted?.has(key) !== false);
    const { items, next } = pageOf(entries, {
      ...range,
      maxCharacters,
      charactersOf: ({ text }) => text.length,
    });
    return { head: log.head, entries: items.map(([, entry]) => entry), next, isPartial: state.isPartial };
  }

  policyOf(path: string): PathPolicy {
    return this.#options.policyOf(path);
  }

  leave(path: string): void {
    const stored = this.#paths.get(path);
    if (stored === undefined) return;
    stored.usedAt = this.#options.clock.now();
    stored.isJoined = false;
    // The inbox of an ended session has no reader any more.
    if (isInbox(path) && path !== BROADCAST_PATH) this.#drop(path);
    else this.#rest(path, stored);
  }

  /** Returns all paths with updates for the next server, made when they are read; the newest update comes first. */
  snapshots(): Iterable<PathSnapshot> {
    return { [Symbol.iterator]: () => this.#published() };
  }

  *#published(): Generator<PathSnapshot> {
    for (const path of this.#logs.newestFirst())
      yield this.#handed(path, this.#paths.get(path) as StoredPath);
    for (const [path, stored] of this.#paths) {
      if (stored.log.nextOffset > 1 && !this.#logs.has(path)) yield this.#handed(path, stored);
    }
  }

  /** Returns the paths without updates: only epochs, which their subscriptions name too. There may be very many. */
  *unused(): Generator<PathSnapshot> {
    for (const [path, stored] of this.#paths)
      if (stored.log.nextOffset === 1) yield this.#handed(path, stored);
  }

  #handed(path: string, { log, state, usedAt, isJoined }: StoredPath): PathSnapshot {
    return {
      path,
      head: log.head,
      usedAt: isJoined ? this.#options.clock.now() : usedAt,
      ...(state?.isPartial === true && { isPartial: true }),
      get state() {
        return state === null || state.entries.size === 0 ? [] : [...state.entries.values()];
      },
      get entries() {
        return log.entries;
      },
    };
  }

  /**
   * Restores the paths of the previous server by the policies of this one; a path that is in use already stays as it
   * is. Surplus paths are dropped only when another path comes to rest, since the sessions must join theirs first.
   */
  restore(paths: Iterable<PathSnapshot>): void {
    const taken = new Map<string, StoredPath>();
    for (const { path, head, usedAt, state, entries, isPartial = false } of paths) {
      const stored = this.#paths.has(path) ? null : this.#make(path, head.epoch);
      if (stored === null) continue;
      stored.usedAt = usedAt;
      stored.log.restore(head.offset, entries);
      stored.state?.restore(state);
      if (stored.state !== null) stored.state.isPartial = isPartial;
      this.#totalBytes += stored.log.bytes;
      this.#stateBytes += stored.state?.bytes ?? 0;
      taken.set(path, stored);
    }
    for (const [path, { log }] of [...taken].reverse()) if (log.size > 0) this.#logs.set(path, log);
    for (const [path, { log, state }] of [...taken].sort(([, a], [, b]) => a.usedAt - b.usedAt)) {
      if (state !== null && state.entries.size > 0) continue;
      (log.head.offset === 0 ? this.#idleUnused : this.#idle).set(path, true);
    }
    this.#evictAged();
    this.#evictToBound();
  }

  /** Stores a path with an epoch, unless it is stored already. */
  restoreUnused(path: string, epoch: string): void {
    if (!this.#paths.has(path) && this.#make(path, epoch) !== null) this.#idleUnused.set(path, true);
  }

  #store(stored: StoredPath, draft: Draft, offset: number): void {
    const { path, key } = draft;
    const { log, state } = stored;
    const before = log.bytes;
    log.append(logEntry(draft, offset, stored.usedAt));
    this.#totalBytes += log.bytes - before;
    if (key !== null && state !== null) {
      const had = state.bytes;
      state.apply({ ...draft, key }, offset);
      this.#stateBytes += state.bytes - had;
      this.#options.onState?.();
    }
    this.#logs.set(path, log); // moves to the end
    if (!stored.isJoined) this.#rest(path, stored);
    if (this.#totalBytes > this.#options.maxTotalBytes) this.#evictToBound();
  }

  /** Returns a stored path, made if need be; it counts as used now. Returns null when its policy has no log. */
  #use(path: string): StoredPath | null {
    const stored = this.#paths.get(path) ?? this.#make(path);
    if (stored === null) return null;
    if (!stored.isJoined) this.#rest(path, stored);
    stored.usedAt = this.#options.clock.now();
    return stored;
  }

  /** Stores a path, in a new epoch unless one is given; returns null when its policy has no log. */
  #make(path: string, epoch?: string): StoredPath | null {
    const { log: bounds, state, slow } = this.#options.policyOf(path);
    if (bounds === null) return null;
    const stored = {
      log: new PathLog(epoch ?? this.#options.ids.epoch(), bounds, slow === 'latest'),
      state: state === null ? null : new PathState(state),
      usedAt: 0,
      isJoined: false,
    };
    if (stored.state !== null && this.#completed?.has(path) === false) stored.state.isPartial = true;
    this.#paths.set(path, stored);
    return stored;
  }

  #evictToBound(): void {
    for (let first = this.#logs.oldest; first !== undefined; first = this.#logs.oldest) {
      const [path, log] = first;
      while (log.size > 0 && this.#totalBytes > this.#options.maxTotalBytes) {
        const before = log.bytes;
        log.evictOldest();
        this.#totalBytes -= before - log.bytes;
      }
      if (log.size > 0) return;
      this.#logs.delete(path);
    }
  }

  /** Stores the head of a path without listeners, within bounds of age and count; with a state it is kept for good. */
  #rest(path: string, { log, state }: StoredPath): void {
    const isUnused = log.head.offset === 0;
    const idle = isUnused ? this.#idleUnused : this.#idle;
    (isUnused ? this.#idle : this.#idleUnused).delete(path);
    if (state !== null && state.entries.size > 0) return void idle.delete(path);
    idle.set(path, true); // moves to the end
    for (let oldest = idle.oldest; oldest !== undefined; oldest = idle.oldest) {
      if (idle.size <= this.#options.maxHeads) return;
      this.#drop(oldest[0]);
    }
  }

  #drop(path: string): void {
    this.#idle.delete(path);
    this.#idleUnused.delete(path);
    this.#logs.delete(path);
    this.#totalBytes -= this.#paths.get(path)?.log.bytes ?? 0;
    this.#paths.delete(path);
  }

  #sweepLater(): void {
    this.#sweep = this.#options.wheel.after(SWEEP_MS, () => {
      this.#evictAged();
      this.#sweepLater();
    });
  }

  #evictAged(): void {
    const now = this.#options.clock.now();
    for (const [path, stored] of this.#paths) {
      const before = stored.log.bytes;
      stored.log.evictAged(now);
      this.#totalBytes -= before - stored.log.bytes;
      if (stored.log.size === 0) this.#logs.delete(path);
      if (
        now - stored.usedAt > this.#options.headTtlMs &&
        (this.#idle.has(path) || this.#idleUnused.has(path))
      )
        this.#drop(path);
    }
  }
}
