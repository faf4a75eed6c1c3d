/**
 * The state of one path: the newest message of each key, in the order of their last change. It is never evicted;
 * changes that exceed its bounds are refused.
 */
import type { Position } from '../../../../protocol/positions.js';
import { Snapshot, type StateEntry } from './state-snapshot.js';

/** The bounds of a state. */
export interface StateBounds {
  readonly maxKeys: number;
  readonly maxBytes: number;
}

/** The change of a state by an update. */
export interface Change {
  readonly key: string;
  /** The message as JSON; `null` removes the key. */
  readonly text: string;
}

/** Returns whether a change removes its key, decided by the text, which followers get. */
const isRemoval = ({ text }: Change): boolean => text === 'null';

/** Bytes of a path that is kept for its state. */
const PATH_BYTES = 1_024;
/** Bytes of an entry beside its texts. */
const ENTRY_BYTES = 160;

const NONE: ReadonlyMap<string, StateEntry> = new Map();

export class PathState {
  readonly bounds: StateBounds;
  #entries: Map<string, StateEntry> | null = null;
  #bytes = 0;
  #isPartial = false;
  /** The newest snapshot, as long as it is read: many clients ask for the same one at a time. */
  #snapshot: WeakRef<Snapshot> | null = null;

  constructor(bounds: StateBounds) {
    this.bounds = bounds;
  }

  /** Returns the entries by key, in the order of their last change. */
  get entries(): ReadonlyMap<string, StateEntry> {
    return this.#entries ?? NONE;
  }

  /** Returns the bytes of the entries, with what they cost besides their texts. */
  get bytes(): number {
    return this.entries.size === 0 ? 0 : this.#bytes + PATH_BYTES;
  }

  /** Returns whether a crash may have lost entries. */
  get isPartial(): boolean {
    return this.#isPartial;
  }

  set isPartial(isPartial: boolean) {
    this.#isPartial = isPartial;
    this.#snapshot = null;
  }

  /** Returns whether there is room for all of these changes, each of another key, beside what is reserved. */
  fits(changes: readonly Change[], reserved = { keys: 0, bytes: 0 }): boolean {
    const { maxKeys, maxBytes } = this.bounds;
    const fresh = changes.filter((change) => !isRemoval(change) && !this.entries.has(change.key)).length;
    if (fresh > 0 && this.entries.size + reserved.keys + fresh > maxKeys) return false;
    const growth = this.growthOf(changes);
    return growth <= 0 || this.#bytes + reserved.bytes + growth <= maxBytes;
  }

  /** Returns how many bytes these changes would add, each of another key, without those that free bytes. */
  growthOf(changes: readonly Change[]): number {
    return changes.reduce((sum, change) => {
      const known = this.#entries?.get(change.key);
      const growth = isRemoval(change) ? 0 : bytesOf(change) - (known === undefined ? 0 : bytesOf(known));
      return sum + Math.max(0, growth);
    }, 0);
  }

  /** Applies a change for which there is room; `offset` is that of its update. */
  apply(change: Change, offset: number): void {
    const { key, text } = change;
    this.#entries ??= new Map();
    const known = this.#entries.get(key);
    if (known !== undefined) this.#bytes -= bytesOf(known);
    this.#entries.delete(key); // so that it moves to the end
    if (isRemoval(change)) return;
    this.#entries.set(key, { key, text, offset });
    this.#bytes += bytesOf(change);
  }

  /** Restores the entries of another state, whatever the bounds. Only for a new state. */
  restore(kept: readonly StateEntry[]): void {
    // An earlier version stored keys whose message was null as text only.
    const entries = kept.filter((entry) => !isRemoval(entry));
    if (entries.length > 0) this.#entries = new Map(entries.map((entry) => [entry.key, entry]));
    for (const entry of entries) this.#bytes += bytesOf(entry);
  }

  /** Returns a snapshot at `position` of `path`, shared by all readers until the next update. */
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
