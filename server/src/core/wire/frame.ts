/**
 * A frame on its way out: its text once, and its bytes once for each kind of transport, however
 * many connections it goes to.
 */
import type { ControlFrame } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';

/** How one kind of transport puts frames into bytes. */
export interface Framing {
  /** Index of this framing in every frame's cache: 0, 1 or 2, one for each framing. */
  readonly slot: number;
  /** The bytes of a frame, complete: frames are written one after another with nothing between. */
  encode(text: string, position: Position | null): Buffer;
  /** For frames that one connection alone gets: puts them where they are joined, which spares a piece of memory for each. */
  readonly inPlace?: {
    /** Bytes that a frame takes. */
    size(text: string): number;
    /** Puts its bytes into `bytes` from `at` on. */
    put(text: string, bytes: Buffer, at: number): void;
  };
}

/** One frame of the server. Immutable but for its cache of encodings. */
export class Frame {
  readonly text: string;
  readonly position: Position | null;
  /** Whether it may go to many connections. */
  readonly isShared: boolean;
  /** Most are encoded for one kind of transport only. */
  #slot = -1;
  #bytes: Buffer | null = null;
  #others: (Buffer | undefined)[] | null = null;

  /** `isShared` false: one connection alone gets it. */
  constructor(text: string, position: Position | null = null, isShared = true) {
    this.isShared = isShared;
    this.text = text;
    this.position = position;
  }

  /** The frame of a control message, which goes to one connection alone. */
  static of(control: ControlFrame): Frame {
    return new Frame(JSON.stringify(control), null, false);
  }

  /** A frame that exists in one framing only, as a WebSocket's pong does. */
  static ofBytes(framing: Framing, bytes: Buffer): Frame {
    const frame = new Frame('', null, false);
    frame.#slot = framing.slot;
    frame.#bytes = bytes;
    return frame;
  }

  /** Bytes that it takes in `framing`. */
  size(framing: Framing): number {
    const { inPlace } = framing;
    if (this.#isEncodedWhole || inPlace === undefined) return this.encoded(framing).length;
    return inPlace.size(this.text);
  }

  /** Puts its bytes into `bytes` from `at` on. */
  put(framing: Framing, bytes: Buffer, at: number): void {
    const { inPlace } = framing;
    if (this.#isEncodedWhole || inPlace === undefined) this.encoded(framing).copy(bytes, at);
    else inPlace.put(this.text, bytes, at);
  }

  /** Whether its bytes are kept by themselves: many connections get them, or there is no text to make them of. */
  get #isEncodedWhole(): boolean {
    return this.isShared || this.#bytes !== null;
  }

  /** The bytes in `framing`, made at the first call. */
  encoded(framing: Framing): Buffer {
    if (this.#bytes !== null && this.#slot === framing.slot) return this.#bytes;
    if (this.#bytes === null) {
      this.#slot = framing.slot;
      this.#bytes = framing.encode(this.text, this.position);
      return this.#bytes;
    }
    this.#others ??= [];
    let bytes = this.#others[framing.slot];
    if (bytes === undefined) {
      bytes = framing.encode(this.text, this.position);
      this.#others[framing.slot] = bytes;
    }
    return bytes;
  }
}
