/** One subscriber's socket: the handshake, then everything to its reader. */
import { connect } from 'node:net';
import { Fault } from './fault.mjs';
import { clientFrame, upgradeRequest } from './frames.mjs';

/**
 * @typedef {object} ConnectionOptions
 * @property {number} index
 * @property {number} port
 * @property {string} path
 * @property {import('./subscribers.mjs').Account} account that it is held to
 * @property {import('./dialects.mjs').Dialect} dialect
 * @property {Buffer} buffer to read into; shared by all, because a read is handled to its end before the next one begins
 * @property {() => void} onReady the subscription is made
 * @property {(from: number, to: number) => void} onUpdates the reader went on
 * @property {(fault: unknown) => void} onFault
 */

export class Connection {
  #options;
  #socket;
  #reader;
  #accept;
  #head = '';
  #isOpen = false;
  #isClosed = false;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
    const { index, port, dialect, buffer, account, onReady, onFault } = options;
    const send = (bytes) => this.#socket.write(bytes);
    this.#reader = account.reader({ index, dialect, send, onReady });
    const { request, accept } = upgradeRequest(dialect.url);
    this.#accept = accept;
    const callback = (length) => this.#take(length);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    this.#socket.on('error', (error) =>
      onFault(new Fault('closed', `connection ${index}: ${error.message}`)),
    );
    this.#socket.on('close', () => {
      if (!this.#isClosed) onFault(new Fault('closed', `connection ${index} was closed by the server`));
    });
    this.#socket.write(request);
  }

  close() {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  /** Handles `length` bytes in the shared buffer. Returns whether to read on. */
  #take(length) {
    if (this.#isClosed) return false;
    try {
      if (this.#isOpen) this.#feed(this.#options.buffer, length);
      else this.#handshake(length);
    } catch (fault) {
      this.#options.onFault(fault);
    }
    return true;
  }

  #handshake(length) {
    const { buffer, dialect, path, index } = this.#options;
    this.#head += buffer.toString('latin1', 0, length);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!this.#head.startsWith('HTTP/1.1 101 ') || !this.#head.slice(0, end).includes(this.#accept)) {
      throw new Fault(
        'protocol',
        `connection ${index}: the upgrade was answered ${this.#head.slice(0, 300)}`,
      );
    }
    this.#isOpen = true;
    if (dialect.isReadyAtOnce) this.#options.onReady();
    for (const text of dialect.hello(path)) this.#socket.write(clientFrame(text));
    const rest = Buffer.from(this.#head.slice(end + 4), 'latin1');
    if (rest.length > 0) this.#feed(rest, rest.length);
  }

  #feed(bytes, length) {
    const from = this.#reader.at;
    this.#reader.feed(bytes, length);
    if (this.#reader.at !== from) this.#options.onUpdates(from, this.#reader.at);
  }
}
