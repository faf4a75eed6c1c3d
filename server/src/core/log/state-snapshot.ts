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

/** Entries that are sent in one frame. */
interface Part {
  readonly entries: StateEntry[];
  characters: number;
}

/** The characters of entries in one part. */
const PART_CHARACTERS = 32 * 1024;

/** A complete, immutable state. */
export class Snapshot {
  readonly path: string;
  readonly position: Position;
  readonly #isPartial: boolean;
  readonly #parts: readonly Part[];
  /** Weak: a slow reader must not keep the bytes of parts that it was sent. */
  readonly #frames: (WeakRef<Frame> | undefined)[] = [];

  constructor(path: string, position: Position, entries: readonly StateEntry[], isPartial = false) {
    this.path = path;
    this.position = position;
    this.#isPartial = isPartial;
    this.#parts = divide(entries);
  }

  /** Returns the number of parts; at least one. */
  get size(): number {
    return this.#parts.length;
  }

  /** Returns one part, counted from 0, and the characters of its entries. */
  part(index: number): { readonly frame: Frame; readonly characters: number } {
    const { entries, characters } = this.#parts[index] as Part;
    return { frame: this.#frames[index]?.deref() ?? this.#makeFrame(index, entries), characters };
  }

  #makeFrame(index: number, entries: readonly StateEntry[]): Frame {
    const { path, position } = this;
    const frame = Frame.shared({
      ...{ type: 'state', path, position, entries },
      first: index === 0,
      last: index === this.#parts.length - 1,
      isPartial: this.#isPartial,
    });
    this.#frames[index] = new WeakRef(frame);
    return frame;
  }
}

/** Divides entries; without entries there is one empty part. */
function divide(entries: readonly StateEntry[]): Part[] {
  let part: Part = { entries: [], characters: 0 };
  const parts = [part];
  for (const entry of entries) {
    const characters = entry.key.length + entry.text.length;
    if (part.entries.length > 0 && part.characters + characters > PART_CHARACTERS) {
      part = { entries: [], characters: 0 };
      parts.push(part);
    }
    part.entries.push(entry);
    part.characters += characters;
  }
  return parts;
}
