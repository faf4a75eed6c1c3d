/**
 * What was accepted on each path, in order, across restarts of the server: the judge of a model test. A place is the
 * number of updates accepted before it; positions are turned into places.
 */
import { expect } from 'vitest';
import type { Position } from '../../../protocol/positions.js';
import type { Update } from '../../src/core/update.js';

interface Accepted {
  readonly serial: number;
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

  /** Notes an update; its message begins with its serial number. */
  add(update: Update, serial: number): void {
    const hidden = new Set([...(update.except ?? []), update.sender]);
    const list = this.#of(update.path);
    list.push({ serial, position: update.position, hidden });
    if (update.position !== null) expect(this.placeOf(update.path, update.position)).toBe(list.length);
  }

  /** The server has lost its logs. */
  restarted(): void {
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

  #of(path: string): Accepted[] {
    let list = this.#accepted.get(path);
    if (list === undefined) {
      list = [];
      this.#accepted.set(path, list);
    }
    return list;
  }
}
