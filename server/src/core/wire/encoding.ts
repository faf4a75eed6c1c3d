/** The two steps from a frame to bytes: a dialect writes text, and a framing puts it on a kind of transport. */
import type { Content } from './content.js';

/** Writes frames as the text of one protocol. */
export interface Dialect {
  /** Returns the text of a frame; null when the protocol has none for it. */
  write(content: Content): string | null;
}

/** Puts text on one kind of transport. */
export interface Framing {
  /** Returns the size of a frame in bytes. */
  size(text: string, content: Content): number;
  /** Writes the complete frame into `bytes` from `at` on: frames are written without separators. */
  put(text: string, content: Content, bytes: Buffer, at: number): void;
}

/** A protocol on a kind of transport. Compared by identity: all connections of a kind use the same object. */
export interface Encoding {
  readonly dialect: Dialect;
  readonly framing: Framing;
}
