/**
 * The state of one path: the newest message of each key, in the order of their last change. It is data and is never
 * evicted; what would exceed its bounds is refused.
 */
import type { Position } from '../../../../protocol/positions.js';
import { Snapshot, type StateEntry } from './state-snapshot.js';

/** How much state a path may have. */
export interface StateBounds {
  readonly maxKeys: number;
  readonly maxBytes: number;
}

/** What an update does to a state. */
export interface Change {
  readonly key: string;
  /** The message as JSON; that of null removes the key. */
  readonly text: string;
}

/** Whether a change removes its key: decided by the text, which followers are sent too. */
const isRemoval = ({ text }: Change): boolean => text === 'null';

/** What an entry costs beside its texts, in bytes. */
const ENTRY_BYTES = 160;

const NONE: ReadonlyMap<string, StateEntry> = new Map();

/** One path's keys and their values. */
export class PathState {
  readonly bounds: StateBounds;
  #entries: Map<string, StateEntry> | null = null;
  #bytes = 0;
  #isPartial = false;
  /** The newest snapshot, as long as somebody reads it: many ask for the same at a time. */
  #snapshot: WeakRef<Snapshot> | null = null;

  constructor(bounds: StateBounds) {
    this.bounds = bounds;
  }

  /** The entries by key, in the order of their last change. */
  get entries(): ReadonlyMap<string, StateEntry> {
    return this.#entries ?? NONE;
  }

  /** Bytes that are held, with what the entries cost besides their texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it may be a part only of what there was before a crash. */
  get isPartial(): boolean {
    return this.#isPartial;
  }

  set isPartial(isPartial: boolean) {
    this.#isPartial = isPartial;
    this.#snapshot = null;
  }

  /** How many bytes a change would add (below 0: free); null when there is no room for it. */
  growth(change: Change): number | null {
    const { key, text } = change;
    const known = this.#entries?.get(key);
    const before = known === undefined ? 0 : bytesOf(known);
    if (isRemoval(change)) return -before;
    const growth = bytesOf({ key, text }) - before;
    if (known === undefined && this.entries.size >= this.bounds.maxKeys) return null;
    // What makes it smaller fits, though a policy that has changed may have made it too large.
    return growth > 0 && this.#bytes + growth > this.bounds.maxBytes ? null : growth;
  }

  /** Whether there is room for all of these changes, each of another key. */
  fits(changes: readonly Change[]): boolean {
    const { maxKeys, maxBytes } = this.bounds;
    const fresh = changes.filter((change) => !isRemoval(change) && !this.entries.has(change.key)).length;
    if (fresh > 0 && this.entries.size + fresh > maxKeys) return false;
    const growth = this.growthOf(changes);
    return growth <= 0 || this.#bytes + growth <= maxBytes;
  }

  /** How many bytes changes would add that make it larger, each of another key. */
  growthOf(changes: readonly Change[]): number {
    return changes.reduce((sum, change) => {
      const known = this.#entries?.get(change.key);
      const growth = isRemoval(change) ? 0 : bytesOf(change) - (known === undefined ? 0 : bytesOf(known));
      return sum + Math.max(0, growth);
    }, 0);
  }

  /** Makes a change for which there is room; `offset` is that of its update. */
  apply(change: Change, offset: number): void {
    this.#bytes += this.growth(change) ?? 0;
    const { key, text } = change;
    this.#entries ??= new Map();
    this.#entries.delete(key); // so that it moves to the end
    if (!isRemoval(change)) this.#entries.set(key, { key, text, offset });
  }

  /** Holds the entries of another state, whatever the bounds: they are data. Only of a state that is new. */
  restore(kept: readonly StateEntry[]): void {
    // An earlier version kept keys whose message was null as text only.
    const entries = kept.filter((entry) => !isRemoval(entry));
    if (entries.length > 0) this.#entries = new Map(entries.map((entry) => [entry.key, entry]));
    for (const entry of entries) this.#bytes += bytesOf(entry);
  }

  /** All of it, as it is now at `position` of `path`; shared by all that ask before the next update. */
  snapshot(path: string, position: Position): Snapshot {
    const shared = this.#snapshot?.deref();
    if (shared?.position.offset === position.offset) return shared;
    const snapshot = new Snapshot(path, position, [...this.entries.values()], this.#isPartial);
    this.#snapshot = new WeakRef(snapshot);
    return snapshot;
  }
}

function bytesOf({ key, text }: { readonly key: string; readonly text: string }): number {
  return Buffer.byteLength(key) + Buffer.byteLength(text) + ENTRY_BYTES;
}
