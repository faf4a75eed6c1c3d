/** An outgoing frame. It is encoded once for each framing, however many connections it goes to. */
import type { ControlFrame } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';

/** Encodes frames for one kind of transport. */
export interface Framing {
  /** The index of this framing in every frame's cache: 0, 1 or 2. */
  readonly slot: number;
  /** Returns the complete bytes of a frame: frames are written without separators. */
  encode(text: string, position: Position | null): Buffer;
  /** Encodes a frame for one connection directly into the joined bytes, which saves a buffer for each. */
  readonly inPlace?: {
    /** Returns the encoded size of a frame. */
    size(text: string): number;
    /** Writes the frame into `bytes` from `at` on. */
    put(text: string, bytes: Buffer, at: number): void;
  };
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

  /** Returns a frame for one framing only, such as a WebSocket's pong. */
  static ofBytes(framing: Framing, bytes: Buffer): Frame {
    const frame = new Frame('', null, false);
    frame.#slot = framing.slot;
    frame.#bytes = bytes;
    return frame;
  }

  /** Returns the encoded size in `framing`. */
  size(framing: Framing): number {
    const { inPlace } = framing;
    if (this.#isEncodedWhole || inPlace === undefined) return this.encoded(framing).length;
    return inPlace.size(this.text);
  }

  /** Writes the encoded frame into `bytes` from `at` on. */
  put(framing: Framing, bytes: Buffer, at: number): void {
    const { inPlace } = framing;
    if (this.#isEncodedWhole || inPlace === undefined) this.encoded(framing).copy(bytes, at);
    else inPlace.put(this.text, bytes, at);
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
