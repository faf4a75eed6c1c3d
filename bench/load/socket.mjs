/** One WebSocket on plain node:net: the handshake, then its bytes to its reader. No call comes after `destroy`. */
import { connect } from 'node:net';
import { CLOSE, clientFrame, upgradeRequest } from './frames.mjs';

/** How long connecting and the handshake may take. */
const OPEN_MS = 10_000;
const HEAD_CHARS = 300;
/** The code of a socket that ended without a close frame. */
const ABNORMAL = 1006;

/**
 * @typedef {object} SocketOptions
 * @property {number} port on 127.0.0.1
 * @property {string} url
 * @property {string[]} [headers] further header lines of the handshake
 * @property {Buffer} buffer to read into; shared by all sockets, because a read is handled to its end before the next one begins
 * @property {() => void} onOpen
 * @property {(bytes: Buffer, length: number) => void} onBytes
 * @property {(code: number, why: string) => void} onEnd once, however it ended
 */

export class Socket {
  #options;
  #socket;
  #accept;
  #head = '';
  #isOpen = false;
  #isOver = false;
  #why = 'closed by the server';

  /** @param {SocketOptions} options */
  constructor(options) {
    this.#options = options;
    const { port, url, headers, buffer } = options;
    const { request, accept } = upgradeRequest(url, headers);
    this.#accept = accept;
    const callback = (length) => {
      if (!this.#isOver) this.#take(length);
      return !this.#isOver;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    this.#socket.setTimeout(OPEN_MS, () => this.#socket.destroy(new Error('it did not open in time')));
    this.#socket.on('error', ({ message }) => {
      this.#why = message;
    });
    this.#socket.on('close', () => this.#end(ABNORMAL, this.#why));
    this.#socket.write(request);
  }

  /** Writes whole frames. @param {Buffer} bytes */
  write(bytes) {
    if (!this.#isOver) this.#socket.write(bytes);
  }

  /** Answers a close frame, whose payload this is; that is its end. @param {Buffer} payload */
  close(payload) {
    this.#socket.end(clientFrame(payload.subarray(0, 2), CLOSE));
    const code = payload.length < 2 ? ABNORMAL : payload.readUInt16BE(0);
    this.#end(code, payload.toString('latin1', 2));
  }

  /** Reads nothing until `resume`. */
  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  destroy() {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #end(code, why) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd(code, why);
  }

  #take(length) {
    const { buffer, onBytes, onOpen } = this.#options;
    if (this.#isOpen) return onBytes(buffer, length);
    this.#head += buffer.toString('latin1', 0, length);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#head.slice(0, end);
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(this.#accept))
      return this.#socket.destroy(new Error(`the upgrade was answered ${head.slice(0, HEAD_CHARS)}`));
    this.#isOpen = true;
    this.#socket.setTimeout(0);
    onOpen();
    const rest = Buffer.from(this.#head.slice(end + 4), 'latin1');
    if (rest.length > 0) onBytes(rest, rest.length);
  }
}
