/** An outgoing frame: its content, and its bytes in each encoding, made once for all its connections. */
import type { Content, FeatureContent } from './content.js';
import type { Encoding } from './encoding.js';

const NO_BYTES = Buffer.alloc(0);

/** A frame of the server, immutable except for its cache. */
export class Frame {
  /** Null for a frame that was made of bytes. */
  readonly content: Content | null;
  /** Whether it may go to many connections. */
  readonly isShared: boolean;
  /** The first encoding in which it was needed; most frames have no other. */
  #encoding: Encoding | null = null;
  /** Its text there, between the count of its bytes and their writing. */
  #text: string | null = null;
  #bytes: Buffer | null = null;
  #others: Map<Encoding, Buffer> | null = null;

  private constructor(content: Content | null, isShared: boolean) {
    this.content = content;
    this.isShared = isShared;
  }

  /** Returns a frame to one connection. */
  static of(content: Content): Frame {
    return new Frame(content, false);
  }

  /** Returns a frame that may go to many connections. */
  static shared(content: Content): Frame {
    return new Frame(content, true);
  }

  /** Returns the frame of a feature to one connection. */
  static ofFeature(content: FeatureContent): Frame {
    // A dialect compares the type with those that it knows before it reads more.
    return new Frame(content as Content, false);
  }

  /** Returns a frame for one encoding only, such as a WebSocket's pong. */
  static ofBytes(encoding: Encoding, bytes: Buffer): Frame {
    const frame = new Frame(null, false);
    frame.#encoding = encoding;
    frame.#bytes = bytes;
    return frame;
  }

  /** Returns its size in bytes; 0 when the dialect has no text for it. */
  size(encoding: Encoding): number {
    if (this.#isEncodedWhole) return this.encoded(encoding).length;
    const text = this.#textIn(encoding);
    return text === null ? 0 : encoding.framing.size(text, this.content as Content);
  }

  /** Writes its bytes into `bytes` from `at` on; a frame to one connection needs no buffer of its own. */
  put(encoding: Encoding, bytes: Buffer, at: number): void {
    if (this.#isEncodedWhole) return void this.encoded(encoding).copy(bytes, at);
    const text = this.#textIn(encoding);
    if (text !== null) encoding.framing.put(text, this.content as Content, bytes, at);
  }

  /** Whether its bytes have their own buffer: the frame is shared, or was encoded already. */
  get #isEncodedWhole(): boolean {
    return this.isShared || this.#bytes !== null;
  }

  /** Returns its bytes, encoded at the first call. */
  encoded(encoding: Encoding): Buffer {
    if (this.#bytes === null) {
      this.#bytes = encode(this.#textIn(encoding), this.content, encoding);
      this.#text = null;
      return this.#bytes;
    }
    if (this.#encoding === encoding) return this.#bytes;
    const known = this.#others?.get(encoding);
    if (known !== undefined) return known;
    const text = this.content === null ? null : encoding.dialect.write(this.content);
    const bytes = encode(text, this.content, encoding);
    this.#others ??= new Map();
    this.#others.set(encoding, bytes);
    return bytes;
  }

  #textIn(encoding: Encoding): string | null {
    if (this.#encoding === encoding || this.content === null) return this.#text;
    this.#encoding = encoding;
    this.#text = encoding.dialect.write(this.content);
    return this.#text;
  }
}

function encode(text: string | null, content: Content | null, { framing }: Encoding): Buffer {
  if (text === null || content === null) return NO_BYTES;
  const bytes = Buffer.allocUnsafe(framing.size(text, content));
  framing.put(text, content, bytes, 0);
  return bytes;
}
