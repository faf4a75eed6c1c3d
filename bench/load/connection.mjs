/**
 * One client's connection to a server. Its dialect says what text messages mean and calls the methods that begin with `on`; what a kind of
 * client does not expect is a fault. A kind of client is a subclass with `read`.
 */
import { DIALECTS } from './dialects.mjs';
import { Fault } from './fault.mjs';
import { CLOSE, clientFrame, PING, PONG, TEXT } from './frames.mjs';
import { Socket } from './socket.mjs';

const READ_BYTES = 256 * 1024;
const CONNECTING_AT_ONCE = 50;
/** Shared by all sockets: a read is handled to its end before the next one begins. */
const BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

/** @typedef {{index: number, port: number, dialect: string, paths: string[]}} ConnectionOptions `port` is on 127.0.0.1 */

/** @implements {import('./dialects.mjs').Listener} */
export class Connection {
  index;
  /** Whether every path is subscribed. */
  isReady = false;
  /** Why the server closed it, where it does not come back. @type {string | null} */
  closed = null;
  dialect;
  #port;
  /** @type {Socket | null} */
  #socket = null;
  #opened = (_value) => undefined;
  #send = (text) => this.write(clientFrame(text));

  /** @param {ConnectionOptions} options */
  constructor({ index, port, dialect, paths }) {
    this.index = index;
    this.#port = port;
    this.dialect = new DIALECTS[dialect](paths, this);
  }

  /** Connects; resolves when every path is subscribed. */
  open() {
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.connect();
    });
  }

  connect() {
    this.#socket = new Socket({
      ...{ port: this.#port, buffer: BUFFER, ...this.dialect.request() },
      onOpen: () => this.dialect.opened(this.#send),
      onBytes: (bytes, length) => this.read(bytes, length),
      onEnd: (code, why) => this.onEnd(code, why),
    });
  }

  /** Takes the first `length` bytes of `bytes`, which are overwritten after the call. @param {Buffer} _bytes @param {number} _length */
  read(_bytes, _length) {
    throw new Error('a kind of client says how it reads');
  }

  /** Handles one frame: answers pings, ends at a close frame, gives text to the dialect. */
  hear(bytes, { opcode, payload: from, end }) {
    switch (opcode) {
      case TEXT:
        return this.dialect.hear(bytes.toString('utf8', from, end), this.#send);
      case PING:
        return this.write(clientFrame(bytes.subarray(from, end), PONG));
      case PONG:
        return;
      case CLOSE:
        return this.#socket?.close(bytes.subarray(from, end));
      default:
        throw this.fault('protocol', `a frame with opcode ${opcode}`);
    }
  }

  /** Writes whole frames. @param {Buffer} bytes */
  write(bytes) {
    this.#socket?.write(bytes);
  }

  /** Reads nothing until `resume`: the kernel's buffers fill, then the server's. */
  pause() {
    this.#socket?.pause();
  }

  resume() {
    this.#socket?.resume();
  }

  /** Destroys the socket without a close frame; no method is called for it any more. */
  destroy() {
    this.#socket?.destroy();
  }

  onReady() {
    this.isReady = true;
    this.#opened(undefined);
  }

  onSession(_isNew) {
    // Every connection begins one.
  }

  onUpdate(_update) {
    throw this.fault('protocol', 'an update, where nothing is published');
  }

  onGap(gap) {
    throw this.fault('protocol', `a gap ${JSON.stringify(gap)}`);
  }

  onAsk(_id, _paths) {
    throw this.fault('protocol', 'the path is not public');
  }

  onOddity(why) {
    throw this.fault('protocol', why);
  }

  onEnd(code, why) {
    throw this.fault('closed', `${code} ${why}`);
  }

  fault(kind, why) {
    return new Fault(kind, `connection ${this.index}: ${why}`);
  }
}

/** Opens them, some at a time. @param {Connection[]} connections */
export async function openAll(connections) {
  const left = connections.toReversed();
  const lane = async () => {
    for (let each = left.pop(); each !== undefined; each = left.pop()) await each.open();
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
}
