/**
 * A protocol as clients speak it: what it reads, and what it writes. Each is one object, shared by all connections. What
 * it reads is checked as a frame of docs/protocol.md is.
 */
import { errorBody } from '../../../protocol/codes.js';
import type { Dialect } from '../core/wire/encoding.js';
import type { Log } from '../observe/log.js';
import type { Decoded } from './decode.js';

/** Writes frames, and reads the texts of clients as frames. */
export interface ClientDialect extends Dialect {
  /** Reads the first text of a connection as an `open` frame. */
  open(text: string): Decoded<unknown>;
  /** Reads a later text. A protocol without numbers numbers a frame as the one after `received`. */
  read(text: string, received: number): Decoded<unknown>;
}

/** Returns a writing dialect whose faults are logged: the frame is left out. */
export function guardedWriter({ write }: Dialect, log: Log): Dialect {
  return {
    write(content) {
      try {
        return write(content);
      } catch (error) {
        log.error({ frame: content.type, error: String(error) }, 'a dialect cannot write a frame');
        return null;
      }
    },
  };
}

/** Returns a dialect whose faults are logged: the frame is left out, or refused as `bad_frame`. */
export function guarded(dialect: ClientDialect, log: Log): ClientDialect {
  const guard = (read: () => Decoded<unknown>): Decoded<unknown> => {
    try {
      return read();
    } catch (error) {
      log.error({ error: String(error) }, 'a dialect cannot read a text');
      return { error: errorBody('bad_frame') };
    }
  };
  return {
    ...guardedWriter(dialect, log),
    open: (text) => guard(() => dialect.open(text)),
    read: (text, received) => guard(() => dialect.read(text, received)),
  };
}
