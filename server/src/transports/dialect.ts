/** A protocol as clients speak it: what it reads, and what it writes. Each is one object, shared by all connections. */
import type { OpenFrame, ProbeFrame, SendFrame } from '../../../protocol/frames.js';
import type { FeatureFrame } from '../core/sessions/features.js';
import type { Dialect } from '../core/wire/encoding.js';
import type { Decoded, FrameTypes } from './decode.js';

/** Writes frames, and reads the texts of clients as frames. */
export interface ClientDialect extends Dialect {
  /** Reads the first text of a connection. */
  open(text: string, features: FrameTypes): Decoded<OpenFrame | ProbeFrame>;
  /** Reads a later text. A protocol without numbers numbers a frame as the one after `received`. */
  read(text: string, received: number, features: FrameTypes): Decoded<SendFrame | FeatureFrame>;
}
