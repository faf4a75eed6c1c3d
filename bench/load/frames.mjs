/** RFC 6455 as far as a load generator needs it: whole unmasked text frames in, masked frames out, and the handshake. */
import { createHash, randomBytes } from 'node:crypto';
import { Fault } from './fault.mjs';

export const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);
const MAX_FRAME_BYTES = 1024 * 1024;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Where a frame's parts lie. @typedef {{opcode: number, payload: number, end: number}} Frame */

/**
 * Reads the frame that begins at `at`, or null when `to` comes before its end.
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} to
 * @returns {Frame | null}
 */
export function frameAt(bytes, at, to) {
  if (to - at < 2) return null;
  const first = bytes[at];
  const second = bytes[at + 1];
  if ((first & 0xf0) !== 0x80)
    throw new Fault('protocol', `a frame begins with byte ${first}: compressed or in fragments`);
  if (second & 0x80) throw new Fault('protocol', 'the server sent a masked frame');
  let length = second;
  let payload = at + 2;
  if (length === 126) {
    if (to - at < 4) return null;
    length = bytes.readUInt16BE(payload);
    payload += 2;
  } else if (length === 127) {
    if (to - at < 10) return null;
    length = Number(bytes.readBigUInt64BE(payload));
    payload += 8;
  }
  if (length > MAX_FRAME_BYTES) throw new Fault('protocol', `a frame of ${length} bytes`);
  return payload + length > to ? null : { opcode: first & 0x0f, payload, end: payload + length };
}

/** @param {number} length of the payload @param {number} opcode @param {number} mask 0x80 or 0 */
function header(length, opcode, mask) {
  if (length < 126) return Buffer.from([0x80 | opcode, mask | length]);
  if (length < 65536) return Buffer.from([0x80 | opcode, mask | 126, length >> 8, length & 0xff]);
  throw new Error('longer frames are not needed here');
}

/** A frame as a server sends it. @param {string | Buffer} payload @param {number} [opcode] */
export function serverFrame(payload, opcode = TEXT) {
  const body = Buffer.from(payload);
  return Buffer.concat([header(body.length, opcode, 0), body]);
}

/** Returns a frame as a client sends it. @param {string | Buffer} payload @param {number} [opcode] @param {Uint8Array} [mask] of four bytes */
export function clientFrame(payload, opcode = TEXT, mask = randomBytes(4)) {
  const body = Buffer.from(payload);
  for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
  return Buffer.concat([header(body.length, opcode, 0x80), mask, body]);
}

/** A client's half of the handshake: the request, and the Sec-WebSocket-Accept that must answer it. */
export function upgradeRequest(url, headers = []) {
  const key = randomBytes(16).toString('base64');
  const request =
    `GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  return { request, accept };
}

/** Yields the whole frames of `bytes`. */
function* framesIn(bytes) {
  for (
    let frame = frameAt(bytes, 0, bytes.length);
    frame !== null;
    frame = frameAt(bytes, frame.end, bytes.length)
  )
    yield frame;
}

/** Reads whole frames out of chunks: `onFrame(bytes, frame)` for each. */
export class FrameReader {
  #carry = NOTHING;
  #onFrame;

  constructor(onFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes the first `length` bytes of `chunk`, which may be reused after the call. */
  feed(chunk, length) {
    const read = chunk.subarray(0, length);
    const bytes = this.#carry.length === 0 ? read : Buffer.concat([this.#carry, read]);
    let at = 0;
    for (const frame of framesIn(bytes)) {
      this.#onFrame(bytes, frame);
      at = frame.end;
    }
    this.#carry = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
  }
}

/**
 * Centrifugo joins messages in one frame, a line each, and not the same ones for every connection: returns the same bytes with a frame for each
 * line. What is no whole frame stays as it is, at the end.
 */
export function singleLines(bytes) {
  if (!bytes.includes(NEWLINE)) return bytes;
  const parts = [];
  let at = 0;
  for (const frame of framesIn(bytes)) {
    const lines = frame.opcode === TEXT ? bytes.toString('utf8', frame.payload, frame.end).split('\n') : [];
    if (lines.length < 2) parts.push(bytes.subarray(at, frame.end));
    else parts.push(...lines.filter((line) => line !== '').map((line) => serverFrame(line)));
    at = frame.end;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}
