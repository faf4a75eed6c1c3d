/**
 * What was accepted on each path, in order, across restarts of the server: the judge of a model test. A place is the
 * number of updates accepted before it; positions are turned into places.
 */
import { expect } from 'vitest';
import type { Json } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';

interface Accepted {
  readonly serial: number;
  readonly key: string | null;
  readonly message: Json;
  readonly position: Position | null;
  /** Session ids that must not hear it. */
  readonly hidden: ReadonlySet<string>;
}

export class History {
  readonly #accepted = new Map<string, Accepted[]>();
  /** The place at which each epoch of a path began. */
  readonly #epochs = new Map<string, number>();
  /** Where each path was when the server started last. */
  readonly #starts = new Map<string, number>();
  /** How often the server has lost everything. */
  crashes = 0;

  /** Notes an update; its message begins with its serial number. */
  add({ path, ...update }: Omit<Accepted, 'serial'> & { readonly path: string }, serial: number): void {
    const list = this.#of(path);
    list.push({ serial, ...update });
    if (update.position !== null) expect(this.placeOf(path, update.position)).toBe(list.length);
  }

  /** The server has lost its logs and states. */
  crashed(): void {
    this.crashes++;
    for (const [path, list] of this.#accepted) this.#starts.set(path, list.length);
  }

  /** The place at the end of a path. */
  end(path: string): number {
    return this.#of(path).length;
  }

  placeOf(path: string, { epoch, offset }: Position): number {
    const key = `${path} ${epoch}`;
    const begin = this.#epochs.get(key) ?? this.#starts.get(path) ?? 0;
    this.#epochs.set(key, begin);
    return begin + offset;
  }

  /** The place of the update with this serial number; 0 is the first. */
  find(path: string, serial: number): number {
    return this.#of(path).findIndex((update) => update.serial === serial);
  }

  at(path: string, place: number): Accepted | undefined {
    return this.#of(path)[place];
  }

  /** The serial numbers from one place up to another that one of `ids` was entitled to. */
  owed(path: string, from: number, to: number, ids: ReadonlySet<string>): number[] {
    return this.#of(path)
      .slice(from, to)
      .filter(({ hidden }) => ![...ids].some((id) => hidden.has(id)))
      .map(({ serial }) => serial);
  }

  /** The same where a slow reader may skip what a newer update replaces: of the same key, or of none as itself. */
  owedOfLatest(path: string, from: number, to: number, ids: ReadonlySet<string>): number[] {
    const list = this.#of(path);
    const isHidden = ({ hidden }: Accepted) => [...ids].some((id) => hidden.has(id));
    // A client that has become a new session may hear what was hidden from the old one.
    const isHeard = ({ hidden }: Accepted) => [...ids].some((id) => !hidden.has(id));
    return list
      .slice(from, to)
      .filter((update, i) => {
        const isReplaced = list
          .slice(from + i + 1)
          .some((later) => later.key !== null && later.key === update.key && isHeard(later));
        return !isReplaced && !isHidden(update);
      })
      .map(({ serial }) => serial);
  }

  /** The state of a path, by key. */
  stateOf(path: string): Record<string, Json> {
    const state = new Map<string, Json>();
    for (const { key, message } of this.#of(path).slice(this.#starts.get(path) ?? 0)) {
      if (key === null) continue;
      if (message === null) state.delete(key);
      else state.set(key, message);
    }
    return Object.fromEntries(state);
  }

  #of(path: string): Accepted[] {
    let list = this.#accepted.get(path);
    if (list === undefined) {
      list = [];
      this.#accepted.set(path, list);
    }
    return list;
  }
}
