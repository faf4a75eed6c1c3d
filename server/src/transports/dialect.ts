/**
 * A protocol as clients speak it. A dialect is one object, shared by all connections: it knows nothing of the connection
 * for which it reads or writes. What it reads is checked as a frame of docs/protocol.md is.
 */
import { errorBody } from '../../../protocol/codes.js';
import type { FrameWriter } from '../core/wire/encoding.js';
import type { Log } from '../observe/log.js';
import type { Decoded } from './decode.js';

/**
 * Writes frames, and reads the texts of clients as frames. It has to write `opened`, `update`, `subscribed`, `refused`,
 * `gap`, `error` and `closing`, and `ticket` where sessions are resumed: a ticket lasts five minutes. `pending`,
 * `unsubscribed`, `state` and the frames of features follow what its clients may ask for. A dialect that writes `ping` has
 * to read `pong`; without it connections are kept by the pings of WebSocket.
 */
export interface Dialect extends FrameWriter {
  /** Reads the first text of a connection as an `open` frame. */
  open(text: string): Decoded<unknown>;
  /**
   * Reads a later text. `received` is the number of the last frame that took effect: a protocol without numbers gives a
   * frame the next one.
   */
  read(text: string, received: number): Decoded<unknown>;
}

/** Returns a writer whose faults are logged: the frame is left out. */
export function guardedWriter(writer: FrameWriter, log: Log): FrameWriter {
  return {
    write(content) {
      try {
        return writer.write(content);
      } catch (error) {
        log.error({ frame: content.type, error: String(error) }, 'a dialect cannot write a frame');
        return null;
      }
    },
  };
}

/** Returns a dialect whose faults are logged: the frame is left out, or refused as `bad_frame`. */
export function guardedDialect(dialect: Dialect, log: Log): Dialect {
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
