/** A path's state at one position, in frames that all its readers share. */
import type { Position } from '../../../../protocol/positions.js';
import { Frame } from '../wire/frame.js';

/** The value of one key. */
export interface StateEntry {
  readonly key: string;
  /** The message as JSON. */
  readonly text: string;
  /** The offset of the update that set it. */
  readonly offset: number;
}

/** The characters of entries in one part. */
const PART_CHARACTERS = 32 * 1024;

/** A complete, immutable state. */
export class Snapshot {
  readonly position: Position;
  readonly #head: string;
  /** The end of each part. */
  readonly #tail: string;
  readonly #parts: readonly (readonly StateEntry[])[];
  /** Weak: a slow reader must not keep the bytes of parts that it was sent. */
  readonly #frames: (WeakRef<Frame> | undefined)[] = [];

  constructor(path: string, position: Position, entries: readonly StateEntry[], isPartial = false) {
    this.position = position;
    this.#head = `{"type":"state","path":${JSON.stringify(path)},"position":{"epoch":"${position.epoch}","offset":${position.offset}},"entries":[`;
    this.#tail = isPartial ? ',"partial":true}' : '}';
    this.#parts = divide(entries);
  }

  /** Returns the number of parts; at least one. */
  get size(): number {
    return this.#parts.length;
  }

  /** Returns one part, counted from 0. */
  part(index: number): Frame {
    const known = this.#frames[index]?.deref();
    if (known !== undefined) return known;
    const entries = (this.#parts[index] ?? []).map(
      ({ key, text }) => `{"key":${JSON.stringify(key)},"message":${text}}`,
    );
    const isLast = index === this.#parts.length - 1;
    const frame = new Frame(
      `${this.#head}${entries.join()}],"first":${index === 0},"last":${isLast}${this.#tail}`,
    );
    this.#frames[index] = new WeakRef(frame);
    return frame;
  }
}

function divide(entries: readonly StateEntry[]): StateEntry[][] {
  const parts: StateEntry[][] = [[]];
  let room = PART_CHARACTERS;
  for (const entry of entries) {
    const characters = entry.key.length + entry.text.length;
    if (characters > room && parts.at(-1)?.length !== 0) {
      parts.push([]);
      room = PART_CHARACTERS;
    }
    parts.at(-1)?.push(entry);
    room -= characters;
  }
  return parts;
}
