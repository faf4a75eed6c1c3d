/**
 * A frame on its way out: its text once, and its bytes once for each kind of transport, however
 * many connections it goes to.
 */
import type { ControlFrame } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';

/** How one kind of transport puts frames into bytes. */
export interface Framing {
  /** Index of this framing in every frame's cache: 0, 1 or 2, one for each framing. */
  readonly slot: number;
  /** The bytes of a frame, complete: frames are written one after another with nothing between. */
  encode(text: string, position: Position | null): Buffer;
}

/** One frame of the server. Immutable but for its cache of encodings. */
export class Frame {
  readonly text: string;
  readonly position: Position | null;
  /** Most are encoded for one kind of transport only. */
  #slot = -1;
  #bytes: Buffer | null = null;
  #others: (Buffer | undefined)[] | null = null;

  constructor(text: string, position: Position | null = null) {
    this.text = text;
    this.position = position;
  }

  /** The frame of a control message. */
  static of(control: ControlFrame): Frame {
    return new Frame(JSON.stringify(control));
  }

  /** A frame that exists in one framing only, as a WebSocket's pong does. */
  static ofBytes(framing: Framing, bytes: Buffer): Frame {
    const frame = new Frame('');
    frame.#slot = framing.slot;
    frame.#bytes = bytes;
    return frame;
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
