/** Frames as WebSocket messages (RFC 6455, 5.2): complete, unmasked, one frame of the protocol in each. */
import { Sender } from 'ws';
import type { Framing } from '../core/wire/frame.js';

declare module 'ws' {
  /** Exported by the library, but missing in its types. */
  const Sender: { frame(data: Buffer, options: object): Buffer[] };
}

const FIN = 0x80;
const TEXT = 1;
export const PONG = 10;

/** Returns a complete, unmasked WebSocket message. `Sender.frame` returns header and payload. */
export function wrap(payload: Buffer, opcode: number): Buffer {
  return Buffer.concat(
    Sender.frame(payload, { fin: true, opcode, mask: false, readOnly: true, rsv1: false }),
  );
}

/** Returns the bytes before the payload of a message (RFC 6455, 5.2). */
const headerBytes = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10);

/** Writes a complete, unmasked text message into `bytes` from `at` on. */
function putText(text: string, length: number, bytes: Buffer, at: number): void {
  const start = headerBytes(length);
  bytes[at] = FIN | TEXT;
  if (start === 2) bytes[at + 1] = length;
  else if (start === 4) {
    bytes[at + 1] = 126;
    bytes.writeUInt16BE(length, at + 2);
  } else {
    bytes[at + 1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), at + 2);
  }
  bytes.write(text, at + start);
}

/** Frames as WebSocket messages. */
export const websocketFraming: Framing = {
  slot: 0,
  encode(text) {
    const length = Buffer.byteLength(text);
    const bytes = Buffer.allocUnsafe(headerBytes(length) + length);
    putText(text, length, bytes, 0);
    return bytes;
  },
  inPlace: {
    size(text) {
      const length = Buffer.byteLength(text);
      return headerBytes(length) + length;
    },
    put(text, bytes, at) {
      putText(text, Buffer.byteLength(text), bytes, at);
    },
  },
};
