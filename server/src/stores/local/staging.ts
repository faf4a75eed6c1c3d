/** What is being written: offsets, versions and room that are given already, and requests that are not answered yet. */
import type { Draft } from '../../core/log/update.js';
import { NOTHING_RESERVED, type Reserved } from '../memory/state-bounds.js';
import type { StoredPath } from './stored-paths.js';

/** What is being written of one path. */
interface Staged {
  writes: number;
  /** The offset of the next update. */
  next: number;
  /** The version of each key that is being written; null for one that is being removed. */
  readonly versions: Map<string, number | null>;
  /** Keys and bytes that the state gains, at most. */
  keys: number;
  bytes: number;
}

export class Staging {
  readonly #paths = new Map<StoredPath, Staged>();
  readonly #requests = new Map<string, Promise<unknown>>();
  /** Bytes that all states gain, at most. */
  bytes = 0;

  /** Returns what is being written of the state of a path. */
  reserved(stored: StoredPath): Reserved {
    return this.#paths.get(stored) ?? NOTHING_RESERVED;
  }

  /** Begins a write of a path. */
  begin(stored: StoredPath): void {
    const staged = this.#paths.get(stored);
    if (staged !== undefined) staged.writes++;
    else
      this.#paths.set(stored, {
        writes: 1,
        next: stored.log.nextOffset,
        versions: new Map(),
        keys: 0,
        bytes: 0,
      });
  }

  /** Gives the next offset to a draft of a write that has begun. */
  add(stored: StoredPath, { key, text }: Draft): number {
    const staged = this.#paths.get(stored) as Staged;
    const offset = staged.next++;
    if (key === null || stored.state === null) return offset;
    const growth = stored.state.growthOf([{ key, text }]);
    const isKnown = staged.versions.has(key) || stored.state.entries.has(key);
    staged.versions.set(key, text === 'null' ? null : offset);
    if (!isKnown) staged.keys++;
    staged.bytes += growth;
    this.bytes += growth;
    return offset;
  }

  /** Ends a write of a path, stored or not. */
  end(stored: StoredPath): void {
    const staged = this.#paths.get(stored) as Staged;
    if (--staged.writes > 0) return;
    this.bytes -= staged.bytes;
    this.#paths.delete(stored);
  }

  /** Notes that a request with an idempotency key is being stored, until `answer` settles. */
  addRequests(drafts: readonly Draft[], answer: Promise<unknown>): void {
    const names = drafts.flatMap(nameOf);
    if (names.length === 0) return;
    const over = answer.then(
      () => undefined,
      () => undefined,
    );
    for (const name of names) this.#requests.set(name, over);
    void over.then(() => {
      for (const name of names) if (this.#requests.get(name) === over) this.#requests.delete(name);
    });
  }

  /** Returns the promise of a request of these drafts that is being stored; null for none. It never rejects. */
  requestOf(drafts: readonly Draft[]): Promise<unknown> | null {
    if (this.#requests.size === 0) return null;
    for (const name of drafts.flatMap(nameOf)) {
      const over = this.#requests.get(name);
      if (over !== undefined) return over;
    }
    return null;
  }
}

const nameOf = ({ path, idempotency }: Draft): string[] =>
  idempotency === undefined ? [] : [JSON.stringify([idempotency.owner, path, idempotency.key])];
