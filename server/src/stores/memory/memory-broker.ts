/**
 * The embedded broker: one process, everything in memory. It owns logs, heads and states. All logs together are bounded
 * in bytes, paid for by the paths that were published to the longest ago; heads that nobody holds are
 * bounded in age and count, and a head that was dropped comes back as a new epoch. States are never dropped, nor are the
 * heads of paths that have one; what would exceed their bounds is refused.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import { LinkedMap } from '../../core/data/linked-map.js';
import type { Broker, Deliver } from '../../core/log/broker.js';
import { PathLog } from '../../core/log/path-log.js';
import type { PathPolicy, PathStore } from '../../core/log/path-policy.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import { type Change, PathState } from '../../core/log/path-state.js';
import { EVERYBODY, isInbox } from '../../core/log/reserved-paths.js';
import { type Draft, logEntry, Update, updateText } from '../../core/log/update.js';
import { Wholeness } from '../../core/log/wholeness.js';
import type { Clock, IdSource } from '../../core/time/clock.js';
import type { TimerWheel, WheelTimer } from '../../core/time/timer-wheel.js';

/** What the memory broker may use, and what it stands on. */
export interface MemoryBrokerOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly wheel: TimerWheel;
  /** What is kept of a path. */
  readonly policyOf: (path: string) => PathPolicy;
  /** Bytes that all logs together may have. */
  readonly maxTotalBytes: number;
  /** Bytes that all states together may have. */
  readonly maxStateBytes: number;
  /** How long the head of a path is kept that nobody holds. */
  readonly headTtlMs: number;
  /** How many heads are kept that nobody holds. */
  readonly maxHeads: number;
  /** Told when there is a state; may be told again. */
  readonly onState?: () => void;
}

interface Kept extends PathStore {
  usedAt: number;
  /** Whether somebody is connected to it. */
  isHeld: boolean;
}

const SWEEP_MS = 10_000;

/** A broker for one process. */
export class MemoryBroker implements Broker {
  readonly #options: MemoryBrokerOptions;
  readonly #kept = new Map<string, Kept>();
  /** The logs that hold entries, in the order of their last update: what is over the bound is taken from the first. */
  readonly #filled = new LinkedMap<string, PathLog>();
  /** Those that nobody holds, in the order of their last use. */
  readonly #idle = new LinkedMap<string, true>();
  /** The same, of paths that were never published to: whoever may subscribe can make these, so they push out no others. */
  readonly #idleUnused = new LinkedMap<string, true>();
  readonly #wholeness = new Wholeness();
  #totalBytes = 0;
  #stateBytes = 0;
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

  /** Bytes of all states. */
  get stateBytes(): number {
    return this.#stateBytes;
  }

  /** Whether states were lost: those that are made from now on may be partial. */
  get areStatesLost(): boolean {
    return this.#wholeness.areLost;
  }

  /** States were lost by a crash. Before anything is published. */
  loseStates(): void {
    this.#wholeness.lose();
  }

  complete(path: string): boolean {
    const { state } = this.#keep(path) ?? {};
    if (state == null) return false;
    this.#wholeness.complete(path);
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
    this.#kept.clear();
    this.#filled.clear();
    this.#idle.clear();
    this.#idleUnused.clear();
    this.#totalBytes = 0;
    this.#stateBytes = 0;
  }

  publish(draft: Draft): Outcome<Update> {
    const kept = this.#keep(draft.path);
    const fault = this.#faultOf(kept, draft);
    if (fault !== null) return { error: fault };
    const position = kept === null ? null : { epoch: kept.log.epoch, offset: kept.log.nextOffset };
    const text = updateText(draft, position);
    if (kept !== null && position !== null) this.#store(kept, draft, { text, offset: position.offset });
    const update = new Update(draft, position, text);
    this.#deliver(update);
    return { value: update };
  }

  fault(drafts: readonly Draft[]): ErrorBody | null {
    const changes = new Map<string, Map<string, Draft & Change>>();
    for (const draft of drafts) {
      if (draft.key === null) continue;
      const fault = this.#faultOf(this.#keep(draft.path), draft);
      if (fault !== null) return fault;
      const ofPath = changes.get(draft.path) ?? new Map<string, Draft & Change>();
      if (ofPath.has(draft.key))
        return errorBody('bad_field', { message: 'One key is named twice.', field: 'key' });
      changes.set(draft.path, ofPath.set(draft.key, { ...draft, key: draft.key }));
    }
    return this.#faultOfAll(changes);
  }

  /** Each has room by itself; all together may not. */
  #faultOfAll(changes: ReadonlyMap<string, ReadonlyMap<string, Draft & Change>>): ErrorBody | null {
    let growth = 0;
    for (const [path, ofPath] of changes) {
      const state = this.#kept.get(path)?.state;
      const all = [...ofPath.values()];
      if (!state || all.length === 0) continue;
      if (!state.fits(all)) return this.#fullOfPath(state, all[0] as Draft & Change);
      growth += state.growthOf(all);
    }
    if (growth === 0 || this.#stateBytes + growth <= this.#options.maxStateBytes) return null;
    return errorBody('state_full');
  }

  /** Drops the inboxes of sessions that did not come back: they are nobody's. */
  dropInboxes(): void {
    for (const [path, { isHeld }] of this.#kept) {
      if (!isHeld && isInbox(path) && path !== EVERYBODY) this.#drop(path);
    }
  }

  hold(path: string): PathStore | null {
    const kept = this.#kept.get(path) ?? this.#make(path);
    if (kept === null) return null;
    kept.usedAt = this.#options.clock.now();
    kept.isHeld = true;
    this.#idle.delete(path);
    this.#idleUnused.delete(path);
    return kept;
  }

  policyOf(path: string): PathPolicy {
    return this.#options.policyOf(path);
  }

  release(path: string): void {
    const kept = this.#kept.get(path);
    if (kept === undefined) return;
    kept.usedAt = this.#options.clock.now();
    kept.isHeld = false;
    // Messages to a session that has ended are nobody's.
    if (isInbox(path) && path !== EVERYBODY) this.#drop(path);
    else this.#rest(path, kept);
  }

  /**
   * All that was published, for the next server, as it is asked for: the path that was published to last comes first.
   */
  snapshots(): Iterable<PathSnapshot> {
    return { [Symbol.iterator]: () => this.#published() };
  }

  *#published(): Generator<PathSnapshot> {
    for (const path of this.#filled.newestFirst()) yield this.#handed(path, this.#kept.get(path) as Kept);
    for (const [path, kept] of this.#kept) {
      if (kept.log.nextOffset > 1 && !this.#filled.has(path)) yield this.#handed(path, kept);
    }
  }

  /** The paths that were never published to: no more than their epochs, which the subscriptions to them tell too. There may be very many. */
  *unused(): Generator<PathSnapshot> {
    for (const [path, kept] of this.#kept) if (kept.log.nextOffset === 1) yield this.#handed(path, kept);
  }

  #handed(path: string, { log, state, usedAt, isHeld }: Kept): PathSnapshot {
    return {
      path,
      head: log.head,
      usedAt: isHeld ? this.#options.clock.now() : usedAt,
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
   * Keeps what the server before kept, by the policies of this one; a path that is in use here already stays as it is. Nothing
   * is dropped for being one of too many until something else comes to rest: its sessions are to hold their paths first.
   */
  restore(paths: Iterable<PathSnapshot>): void {
    const taken = new Map<string, Kept>();
    for (const { path, head, usedAt, state, entries, isPartial = false } of paths) {
      const kept = this.#kept.has(path) ? null : this.#make(path, head.epoch);
      if (kept === null) continue;
      kept.usedAt = usedAt;
      kept.log.restore(head.offset, entries);
      kept.state?.restore(state);
      if (kept.state !== null) kept.state.isPartial = isPartial;
      this.#totalBytes += kept.log.bytes;
      this.#stateBytes += kept.state?.bytes ?? 0;
      taken.set(path, kept);
    }
    for (const [path, { log }] of [...taken].reverse()) if (log.size > 0) this.#filled.set(path, log);
    for (const [path, { log, state }] of [...taken].sort(([, a], [, b]) => a.usedAt - b.usedAt)) {
      if (state !== null && state.entries.size > 0) continue;
      (log.head.offset === 0 ? this.#idleUnused : this.#idle).set(path, true);
    }
    this.#evictAged();
    this.#evictToBound();
  }

  /** Begins to keep a path in an epoch, unless it is kept already. */
  restoreUnused(path: string, epoch: string): void {
    if (!this.#kept.has(path) && this.#make(path, epoch) !== null) this.#idleUnused.set(path, true);
  }

  #faultOf(kept: Kept | null, draft: Draft): ErrorBody | null {
    if (draft.key === null) return null;
    const refused = this.#mayChange(kept, { ...draft, key: draft.key });
    return refused && { ...refused, field: refused.code === 'state_conflict' ? 'version' : 'key' };
  }

  /** Why a keyed update may not be published, or null. */
  #mayChange(kept: Kept | null, change: Draft & Change): ErrorBody | null {
    if (kept === null || kept.state === null) return errorBody('no_state');
    const version = kept.state.entries.get(change.key)?.offset ?? null;
    if (change.version !== undefined && change.version !== version) return errorBody('state_conflict');
    const growth = kept.state.growth(change);
    if (growth === null) return this.#fullOfPath(kept.state, change);
    const { maxStateBytes } = this.#options;
    if (growth <= 0 || this.#stateBytes + growth <= maxStateBytes) return null;
    const message = `All states together have no room for this in their ${maxStateBytes} bytes: remove keys, or raise "maxStateBytes".`;
    return errorBody('state_full', { message });
  }

  #fullOfPath({ entries }: PathState, { path, key }: Draft & Change): ErrorBody {
    const { maxKeys = 0, maxBytes = 0 } = this.#options.policyOf(path).state ?? {};
    const isOfKeys = !entries.has(key) && entries.size >= maxKeys;
    const message = isOfKeys
      ? `The state of this path has as many keys as it may (${maxKeys}): remove some, or raise "maxKeys" in the "state" of its policy.`
      : `The state of this path has no room for this in its ${maxBytes} bytes: remove keys, or raise "maxBytes" in the "state" of its policy.`;
    return errorBody('state_full', { message });
  }

  #store(kept: Kept, draft: Draft, { text, offset }: { text: string; offset: number }): void {
    const { path, key } = draft;
    const { log, state } = kept;
    const before = log.bytes;
    log.append(logEntry(draft, offset, { text, at: kept.usedAt }));
    this.#totalBytes += log.bytes - before;
    if (key !== null && state !== null) {
      const had = state.bytes;
      state.apply({ ...draft, key }, offset);
      this.#stateBytes += state.bytes - had;
      this.#options.onState?.();
    }
    this.#filled.set(path, log); // moves to the end
    if (!kept.isHeld) this.#rest(path, kept);
    if (this.#totalBytes > this.#options.maxTotalBytes) this.#evictToBound();
  }

  /** The log of a path, made if need be; it counts as used now. */
  #keep(path: string): Kept | null {
    let kept = this.#kept.get(path);
    if (kept === undefined) {
      const made = this.#make(path);
      if (made === null) return null;
      kept = made;
    }
    if (!kept.isHeld) this.#rest(path, kept);
    kept.usedAt = this.#options.clock.now();
    return kept;
  }

  /** Begins to keep a path, in a new epoch unless one is given; null when its policy has no log. */
  #make(path: string, epoch?: string): Kept | null {
    const { log: bounds, state, slow } = this.#options.policyOf(path);
    if (bounds === null) return null;
    const kept = {
      log: new PathLog(epoch ?? this.#options.ids.epoch(), bounds, slow === 'latest'),
      state: state === null ? null : new PathState(state),
      slow,
      usedAt: 0,
      isHeld: false,
    };
    if (kept.state !== null && this.#wholeness.isPartial(path)) kept.state.isPartial = true;
    this.#kept.set(path, kept);
    return kept;
  }

  #evictToBound(): void {
    for (let first = this.#filled.oldest; first !== undefined; first = this.#filled.oldest) {
      const [path, log] = first;
      while (log.size > 0 && this.#totalBytes > this.#options.maxTotalBytes) {
        const before = log.bytes;
        log.evictOldest();
        this.#totalBytes -= before - log.bytes;
      }
      if (log.size > 0) return;
      this.#filled.delete(path);
    }
  }

  /** Nobody holds the path: its head is kept, for a while and as one of so many; for good while it has a state. */
  #rest(path: string, { log, state }: Kept): void {
    const isUnused = log.head.offset === 0;
    const isKept = state !== null && state.entries.size > 0;
    if (!isUnused || isKept) this.#idleUnused.delete(path);
    if (isUnused || isKept) this.#idle.delete(path);
    if (isKept) return;
    const idle = isUnused ? this.#idleUnused : this.#idle;
    idle.set(path, true); // moves to the end
    this.#dropOldest(idle);
  }

  #dropOldest(idle: LinkedMap<string, true>): void {
    for (let oldest = idle.oldest; oldest !== undefined; oldest = idle.oldest) {
      if (idle.size <= this.#options.maxHeads) return;
      this.#drop(oldest[0]);
    }
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
