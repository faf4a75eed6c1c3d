/** The two steps from a frame to bytes: a dialect writes text, and a framing puts it on a kind of transport. */
import type { Position } from '../../../../protocol/positions.js';
import type { Content } from './content.js';

/** Writes frames as the text of one protocol: the writing side of a dialect. */
export interface FrameWriter {
  /** Returns the text of a frame; null when the protocol has none for it. */
  write(content: Content): string | null;
}

/** Puts text on one kind of transport. `position` is that of an update; null for other frames. */
export interface Framing {
  /** Returns the size of a frame in bytes. */
  size(text: string, position: Position | null): number;
  /** Writes the complete frame into `bytes` from `at` on: frames are written without separators. */
  put(text: string, position: Position | null, bytes: Buffer, at: number): void;
}

/** Returns a framing that puts other text around the text of a frame. */
export function textFraming(framed: (text: string, position: Position | null) => string): Framing {
  return {
    size: (text, position) => Buffer.byteLength(framed(text, position)),
    put: (text, position, bytes, at) => void bytes.write(framed(text, position), at),
  };
}

/** A protocol on a kind of transport. Compared by identity: all connections of a kind use the same object. */
export interface Encoding {
  readonly writer: FrameWriter;
  readonly framing: Framing;
}
