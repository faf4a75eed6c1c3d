/** Frames as WebSocket messages (RFC 6455, 5.2): complete, unmasked, one frame in each. */
import type { Framing } from '../core/wire/encoding.js';

/** The first bytes of a whole text message, and of a pong. */
const TEXT = 0x81;
const PONG = 0x8a;

/** A ping without a payload. */
export const PING = Buffer.from([0x89, 0]);

/** Returns a pong with the payload of a ping, at most 125 bytes (RFC 6455, 5.5). */
export function pongOf(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([PONG, payload.length]), payload]);
}

/** Returns the bytes before the payload of a message (RFC 6455, 5.2). */
const headerBytes = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10);

/** Frames as WebSocket messages. */
export const websocketFraming: Framing = {
  size(text) {
    const length = Buffer.byteLength(text);
    return headerBytes(length) + length;
  },
  put(text, _position, bytes, at) {
    const length = Buffer.byteLength(text);
    const start = headerBytes(length);
    bytes[at] = TEXT;
    if (start === 2) bytes[at + 1] = length;
    else if (start === 4) {
      bytes[at + 1] = 126;
      bytes.writeUInt16BE(length, at + 2);
    } else {
      bytes[at + 1] = 127;
      bytes.writeBigUInt64BE(BigInt(length), at + 2);
    }
    bytes.write(text, at + start);
  },
};
