/** An outgoing frame: its content, and its bytes in each encoding, made once for all its connections. */
import type { Position } from '../../../../protocol/positions.js';
import type { Content, FeatureContent } from './content.js';
import type { Encoding } from './encoding.js';

const NO_BYTES = Buffer.alloc(0);

/** A frame of the server, immutable except for its cache. */
export class Frame {
  /** Whether it may go to many connections. */
  readonly isShared: boolean;
  /** Null for a frame that was made of bytes, and for one to a single connection once it has its text. */
  #content: Content | null;
  readonly #position: Position | null;
  /** The first encoding in which it was needed; most frames have no other. */
  #encoding: Encoding | null = null;
  /** Its text there, between the count of its bytes and their writing. */
  #text: string | null = null;
  #bytes: Buffer | null = null;
  #others: Map<Encoding, Buffer> | null = null;

  private constructor(content: Content | null, isShared: boolean) {
    this.#content = content;
    this.#position = content?.type === 'update' ? content.position : null;
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
  static ofFeature<F extends FeatureContent>(content: F): Frame {
    return new Frame({ type: 'feature', content }, false);
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
    return text === null ? 0 : encoding.framing.size(text, this.#position);
  }

  /** Writes its bytes into `bytes` from `at` on; a frame to one connection needs no buffer of its own. */
  put(encoding: Encoding, bytes: Buffer, at: number): void {
    if (this.#isEncodedWhole) return void this.encoded(encoding).copy(bytes, at);
    const text = this.#textIn(encoding);
    if (text !== null) encoding.framing.put(text, this.#position, bytes, at);
  }

  /** Whether its bytes have their own buffer: the frame is shared, or was encoded already. */
  get #isEncodedWhole(): boolean {
    return this.isShared || this.#bytes !== null;
  }

  /** Returns its bytes, encoded at the first call. */
  encoded(encoding: Encoding): Buffer {
    if (this.#bytes === null) {
      this.#bytes = this.#encode(this.#textIn(encoding), encoding);
      this.#text = null;
      return this.#bytes;
    }
    if (this.#encoding === encoding) return this.#bytes;
    const known = this.#others?.get(encoding);
    if (known !== undefined) return known;
    const text = this.#content === null ? null : encoding.writer.write(this.#content);
    const bytes = this.#encode(text, encoding);
    this.#others ??= new Map();
    this.#others.set(encoding, bytes);
    return bytes;
  }

  #textIn(encoding: Encoding): string | null {
    if (this.#encoding === encoding) return this.#text;
    if (this.#content === null) throw new Error('a frame to one connection has one encoding');
    this.#text = encoding.writer.write(this.#content);
    this.#encoding = encoding;
    // A client that does not read must not make the server hold a frame twice.
    if (!this.isShared) this.#content = null;
    return this.#text;
  }

  #encode(text: string | null, { framing }: Encoding): Buffer {
    if (text === null) return NO_BYTES;
    const bytes = Buffer.allocUnsafe(framing.size(text, this.#position));
    framing.put(text, this.#position, bytes, 0);
    return bytes;
  }
}
