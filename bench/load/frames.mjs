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

/** A frame as a client sends it, masked. @param {string | Buffer} payload @param {number} [opcode] */
export function clientFrame(payload, opcode = TEXT) {
  const body = Buffer.from(payload);
  const mask = randomBytes(4);
  for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
  return Buffer.concat([header(body.length, opcode, 0x80), mask, body]);
}

/** A client's half of the handshake: the request, and the Sec-WebSocket-Accept that must answer it. */
export function upgradeRequest(url, headers = []) {
  const key = randomBytes(16).toString('base64');
  const request =
    `GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
  return { request, accept: acceptOf(key) };
}

/** Sec-WebSocket-Accept of a key. @param {string} key */
export function acceptOf(key) {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
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
    for (let frame = frameAt(bytes, at, bytes.length); frame !== null; ) {
      this.#onFrame(bytes, frame);
      at = frame.end;
      frame = frameAt(bytes, at, bytes.length);
    }
    this.#carry = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
  }
}

/**
 * Centrifugo joins messages in one frame, a line each, and not the same ones for every connection: answers the same bytes with a frame for each
 * line, and where they end. What is no whole frame stays as it is, at the end.
 */
export function singleLines(bytes, from, to) {
  if (!bytes.subarray(from, to).includes(NEWLINE)) return [bytes, to];
  const parts = [];
  let at = from;
  for (let frame = frameAt(bytes, at, to); frame !== null; frame = frameAt(bytes, at, to)) {
    const lines = frame.opcode === TEXT ? bytes.toString('utf8', frame.payload, frame.end).split('\n') : [];
    if (lines.length < 2) parts.push(bytes.subarray(at, frame.end));
    else parts.push(...lines.filter((line) => line !== '').map((line) => serverFrame(line)));
    at = frame.end;
  }
  const joined = Buffer.concat([...parts, bytes.subarray(at, to)]);
  return [joined, joined.length];
}

/**
 * Frames as a client sends them, one after the other, under one mask: for generators that send many.
 * @param {string[]} texts of ASCII
 * @param {Uint8Array} mask of four bytes
 */
export function clientFrames(texts, mask) {
  const heads = texts.map((text) => header(text.length, TEXT, 0x80));
  const bytes = Buffer.allocUnsafe(
    texts.reduce((sum, text, i) => sum + heads[i].length + 4 + text.length, 0),
  );
  let at = 0;
  for (const [i, text] of texts.entries()) {
    at += heads[i].copy(bytes, at);
    bytes.set(mask, at);
    at += 4;
    bytes.latin1Write(text, at);
    for (let j = 0; j < text.length; j++) bytes[at + j] ^= mask[j & 3];
    at += text.length;
  }
  return bytes;
}
