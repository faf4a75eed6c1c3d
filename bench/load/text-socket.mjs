/**
 * One WebSocket whose text messages are handed over whole, each with the time at which its bytes were read. For clients that come and
 * go: nothing about it outlives the socket, and whoever destroys it hears no more of it.
 */
import { connect } from 'node:net';
import { nowMs } from './clock.mjs';
import { Fault } from './fault.mjs';
import { CLOSE, clientFrame, frameAt, PING, PONG, TEXT, upgradeRequest } from './frames.mjs';

/** How long connecting and the handshake may take before the attempt counts as failed. */
const OPEN_MS = 10_000;
/** The code of a socket that ended without a close frame. */
export const ABNORMAL = 1006;

/**
 * @typedef {object} TextSocketOptions
 * @property {number} port on 127.0.0.1
 * @property {string} url
 * @property {string[]} [headers] further header lines of the handshake
 * @property {() => void} onOpen
 * @property {(text: string, atMs: number) => void} onText
 * @property {(code: number) => void} onEnd once, however it ended, unless `destroy` was called before
 */

export class TextSocket {
  #options;
  #socket;
  #accept;
  #carry = Buffer.alloc(0);
  #isOpen = false;
  #isOver = false;
  #code = ABNORMAL;

  /** @param {TextSocketOptions} options */
  constructor(options) {
    this.#options = options;
    const { request, accept } = upgradeRequest(options.url);
    const further = (options.headers ?? []).map((line) => `${line}\r\n`).join('');
    this.#accept = accept;
    this.#socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    this.#socket.setTimeout(OPEN_MS, () => this.#socket.destroy());
    this.#socket.on('data', (chunk) => this.#take(chunk));
    // What is wrong with it is told by its close.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#end());
    this.#socket.write(`${request.slice(0, -2)}${further}\r\n`);
  }

  /** @param {string} text */
  send(text) {
    if (!this.#isOver) this.#socket.write(clientFrame(text));
  }

  /** Reads no more, until `resume`: the kernel's buffers fill, then the server's. */
  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  /** Ends it without a word. */
  destroy() {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #end() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd(this.#code);
  }

  #take(chunk) {
    if (this.#isOver) return;
    const atMs = nowMs();
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const from = this.#isOpen ? 0 : this.#handshake(bytes);
    if (from < 0) this.#carry = bytes;
    else this.#readFrames(bytes, from, atMs);
  }

  /** Answers where the frames begin, or -1 while the head is not whole. */
  #handshake(bytes) {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return -1;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(this.#accept)) {
      // A server that is going away refuses; it is tried again like one that is not there.
      this.#socket.destroy();
      return bytes.length;
    }
    this.#isOpen = true;
    this.#socket.setTimeout(0);
    this.#options.onOpen();
    return end + 4;
  }

  #readFrames(bytes, from, atMs) {
    let at = from;
    for (let frame = frameAt(bytes, at, bytes.length); frame !== null && !this.#isOver; ) {
      this.#read(bytes.subarray(frame.payload, frame.end), frame.opcode, atMs);
      at = frame.end;
      frame = frameAt(bytes, at, bytes.length);
    }
    this.#carry = Buffer.from(bytes.subarray(at));
  }

  #read(payload, opcode, atMs) {
    if (opcode === TEXT) return this.#options.onText(payload.toString(), atMs);
    if (opcode === PING) return void this.#socket.write(clientFrame(payload, PONG));
    if (opcode === PONG) return;
    if (opcode !== CLOSE) throw new Fault('protocol', `a frame with opcode ${opcode}`);
    if (payload.length >= 2) this.#code = payload.readUInt16BE(0);
    this.#socket.end(clientFrame(payload.subarray(0, 2), CLOSE));
  }
}
