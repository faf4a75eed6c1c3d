/** A path's state as it was at one position, in frames that are made once for all who read it. */
import type { Position } from '../../../../protocol/positions.js';
import { Frame } from '../wire/frame.js';

/** The value of one key. */
export interface StateEntry {
  readonly key: string;
  /** The message as JSON. */
  readonly text: string;
  /** Of the update that set it. */
  readonly offset: number;
}

/** A part is closed when its entries have so many characters. */
const PART_CHARACTERS = 32 * 1024;

/** A whole state, unchanging. */
export class Snapshot {
  readonly position: Position;
  readonly #head: string;
  /** What stands at the end of each part. */
  readonly #tail: string;
  readonly #parts: readonly (readonly StateEntry[])[];
  /** As long as somebody awaits them: a slow reader must not keep the bytes of what it was sent. */
  readonly #frames: (WeakRef<Frame> | undefined)[] = [];

  constructor(path: string, position: Position, entries: readonly StateEntry[], isPartial = false) {
    this.position = position;
    this.#head = `{"type":"state","path":${JSON.stringify(path)},"position":{"epoch":"${position.epoch}","offset":${position.offset}},"entries":[`;
    this.#tail = isPartial ? ',"partial":true}' : '}';
    this.#parts = divide(entries);
  }

  /** How many parts there are; at least one. */
  get size(): number {
    return this.#parts.length;
  }

  /** One part, from 0. */
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
