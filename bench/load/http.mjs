/** One keep-alive HTTP/1.1 connection with one request at a time: a fraction of the cost of node:http. */
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/** @typedef {(failure: Error | null, status: number, body: string) => void} Answered */

export class KeepAlive {
  #socket;
  #received = Buffer.alloc(0);
  /** @type {Answered | null} */
  #answered = null;

  /** @param {number} port on 127.0.0.1 */
  constructor(port) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the publishing connection')));
  }

  /** Whether nothing can be sent any more. */
  get isClosed() {
    return this.#socket.destroyed;
  }

  /** Sends a whole request. @param {string} request @param {Answered} answered */
  request(request, answered) {
    if (this.#answered !== null) throw new Error('one request at a time');
    this.#answered = answered;
    this.#socket.write(request, 'latin1');
  }

  close() {
    this.#answered = null;
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) return this.#fail(new Error(`an answer without content-length: ${head}`));
    const bodyStart = headEnd + HEAD_END.length;
    const bodyEnd = bodyStart + Number(length[1]);
    if (this.#received.length < bodyEnd) return;
    if (this.#received.length > bodyEnd) return this.#fail(new Error('more than one answer to one request'));
    const body = this.#received.toString('utf8', bodyStart, bodyEnd);
    this.#received = Buffer.alloc(0);
    this.#settle(null, Number(head.slice(9, 12)), body);
  }

  #fail(error) {
    this.#settle(error, 0, '');
  }

  #settle(failure, status, body) {
    const answered = this.#answered;
    this.#answered = null;
    answered?.(failure, status, body);
  }
}
