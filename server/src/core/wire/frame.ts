/** An outgoing frame. It is encoded once for each framing, however many connections it goes to. */
import type { ControlFrame } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';

/** Encodes frames for one kind of transport. */
export interface Framing {
  /** The index of this framing in every frame's cache: 0, 1 or 2. */
  readonly slot: number;
  /** Returns the encoded size of a frame. */
  size(text: string, position: Position | null): number;
  /** Writes the complete frame into `bytes` from `at` on: frames are written without separators. */
  put(text: string, position: Position | null, bytes: Buffer, at: number): void;
}

/** Returns the bytes of a frame in a buffer of their own. */
export function encoded(framing: Framing, text: string, position: Position | null = null): Buffer {
  const bytes = Buffer.allocUnsafe(framing.size(text, position));
  framing.put(text, position, bytes, 0);
  return bytes;
}

/** A frame of the server, immutable except for its cache of encodings. */
export class Frame {
  readonly text: string;
  readonly position: Position | null;
  /** Whether it may go to many connections. */
  readonly isShared: boolean;
  /** Most frames are encoded for one framing only. */
  #slot = -1;
  #bytes: Buffer | null = null;
  #others: (Buffer | undefined)[] | null = null;

  /** @param isShared false for a frame to one connection alone */
  constructor(text: string, position: Position | null = null, isShared = true) {
    this.isShared = isShared;
    this.text = text;
    this.position = position;
  }

  /** Returns the frame of a control message to one connection. */
  static of(control: ControlFrame): Frame {
    return new Frame(JSON.stringify(control), null, false);
  }

  /** Returns the frame of a feature to one connection. */
  static ofFeature(content: { readonly type: string }): Frame {
    return new Frame(JSON.stringify(content), null, false);
  }

  /** Returns a frame for one framing only, such as a WebSocket's pong. */
  static ofBytes(framing: Framing, bytes: Buffer): Frame {
    const frame = new Frame('', null, false);
    frame.#slot = framing.slot;
    frame.#bytes = bytes;
    return frame;
  }

  /** Returns the encoded size in `framing`. */
  size(framing: Framing): number {
    if (this.#isEncodedWhole) return this.encoded(framing).length;
    return framing.size(this.text, this.position);
  }

  /** Writes the encoded frame into `bytes` from `at` on; one for a single connection needs no buffer of its own. */
  put(framing: Framing, bytes: Buffer, at: number): void {
    if (this.#isEncodedWhole) this.encoded(framing).copy(bytes, at);
    else framing.put(this.text, this.position, bytes, at);
  }

  /** Whether its bytes have their own buffer: the frame is shared, or it was made of bytes and has no text. */
  get #isEncodedWhole(): boolean {
    return this.isShared || this.#bytes !== null;
  }

  /** Returns the bytes in `framing`, encoded at the first call. */
  encoded(framing: Framing): Buffer {
    if (this.#bytes !== null && this.#slot === framing.slot) return this.#bytes;
    if (this.#bytes === null) {
      this.#slot = framing.slot;
      this.#bytes = encoded(framing, this.text, this.position);
      return this.#bytes;
    }
    this.#others ??= [];
    this.#others[framing.slot] ??= encoded(framing, this.text, this.position);
    return this.#others[framing.slot] as Buffer;
  }
}
