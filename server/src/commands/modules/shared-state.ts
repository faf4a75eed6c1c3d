/** The state of a path, as modules read it and change it by compare and set. */
import type { Json } from '../../../../protocol/frames.js';
import { DobbyError } from '../../core/operations/dobby-error.js';
import type { Operations } from '../../core/operations/operations.js';
import type { StateItem, StateRequest } from '../../core/operations/reading.js';
import type { Session } from '../../core/session/session.js';

/** The value of a key, and its version: the offset of the update that set it. */
export interface SharedEntry {
  readonly message: Json;
  readonly version: number;
}

/** Options of `set`. */
export interface SetOptions {
  /** Only if the entry has this version; null: only if there is no entry. Else DobbyError `state_conflict`. */
  readonly version?: number | null;
  /** Whether the session that sent the command hears the change too; default true, so that its state is complete. */
  readonly echo?: boolean;
}

/** Entries that are read at a time. */
const PAGE_ENTRIES = 1_000;

/** The state of one path. Everything rejects with DobbyError: `no_state`, `bad_path`, `store_unavailable`. */
export class SharedState {
  readonly #path: string;
  readonly #session: Session;
  readonly #operations: Operations;

  constructor(path: string, session: Session, operations: Operations) {
    this.#path = path;
    this.#session = session;
    this.#operations = operations;
  }

  /** Resolves with the value of a key, or undefined. */
  async get(key: string): Promise<SharedEntry | undefined> {
    const [item] = await this.#read({ keys: [key] });
    return item && sharedEntry(item);
  }

  /** Resolves with all values by key. */
  async entries(): Promise<ReadonlyMap<string, SharedEntry>> {
    return new Map((await this.#read({})).map((item) => [item.key, sharedEntry(item)]));
  }

  async #read(request: Omit<StateRequest, 'path'>): Promise<StateItem[]> {
    const items: StateItem[] = [];
    let after: string | null = '';
    while (after !== null) {
      const range: StateRequest = { path: this.#path, limit: PAGE_ENTRIES, ...request, after };
      const page = await this.#operations.state(range);
      items.push(...page.entries);
      after = page.next;
    }
    return items;
  }

  /** Sets a key, where null removes it; all followers of the path get the change. Resolves with the new version. */
  async set(key: string, message: Json, { echo = true, ...options }: SetOptions = {}): Promise<number> {
    const sender = echo ? '' : this.#session.id;
    const request = { path: this.#path, key, message, ...options };
    return (await this.#operations.update(request, { sender })).position?.offset ?? 0;
  }

  /**
   * Sets a key to the result of `change`, which gets the present value. Repeats that after a conflict, so `change` may
   * run several times. Resolves with the new value.
   */
  async change<T extends Json>(
    key: string,
    change: (message: T | undefined) => T,
    { echo = true }: { readonly echo?: boolean } = {},
  ): Promise<T> {
    for (;;) {
      const known = await this.get(key);
      const message = change(known?.message as T | undefined);
      try {
        await this.set(key, message, { version: known?.version ?? null, echo });
        return message;
      } catch (error) {
        if (!(error instanceof DobbyError) || error.code !== 'state_conflict') throw error;
      }
    }
  }
}

const sharedEntry = ({ message, position }: StateItem): SharedEntry => ({
  message,
  version: position.offset,
});
