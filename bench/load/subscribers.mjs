/**
 * The connections of a run, all on one thread with one read buffer. Each is a conversation with the server in its dialect, and has a reader
 * that takes its bytes and gives every frame to the conversation that it does not understand by itself.
 */
import { DIALECTS } from './dialects.mjs';
import { Fault } from './fault.mjs';
import { Socket } from './socket.mjs';

const READ_BYTES = 256 * 1024;
const CONNECTING_AT_ONCE = 50;

/**
 * @typedef {object} SubscribersOptions
 * @property {number} port
 * @property {number} count
 * @property {string} path
 * @property {string} dialect
 * @property {(conversation: Conversation) => {feed(bytes: Buffer, length: number): void}} readerOf
 * @property {boolean} [mayClose] that the server closes a connection is no fault; it hears no more
 */

export class Conversation {
  index;
  #update = null;
  #client;
  #reader;
  #socket;
  #send = (text) => this.#socket.send(text);

  /** @param {SubscribersOptions & {index: number, buffer: Buffer, onReady: () => void}} options */
  constructor({ index, port, path, dialect, buffer, readerOf, mayClose = false, onReady }) {
    this.index = index;
    this.#client = new DIALECTS[dialect]([path], {
      onReady,
      onUpdate: (update) => {
        this.#update = update;
      },
      onSession: () => undefined,
      onGap: (gap) => this.#fault('protocol', `a gap ${JSON.stringify(gap)}`),
      onAsk: () => this.#fault('protocol', 'the path is not public'),
      onOddity: (why) => this.#fault('protocol', why),
    });
    this.#reader = readerOf(this);
    this.#socket = new Socket({
      ...{ port, buffer, ...this.#client.request() },
      onOpen: () => this.#client.opened(this.#send),
      onBytes: (bytes, length) => this.#reader.feed(bytes, length),
      onEnd: (code, why) => mayClose || this.#fault('closed', `${code} ${why}`),
    });
  }

  /** Whether the server puts several messages in one frame. */
  get isJoining() {
    return this.#client.isJoining === true;
  }

  /** Takes one frame: answers what wants an answer. @returns {import('./account.mjs').Update | null} the update that it brings */
  hear(bytes, frame) {
    this.#update = null;
    this.#socket.hear(bytes, frame, (text) => this.#client.hear(text, this.#send));
    return this.#update;
  }

  /** Writes whole frames. @param {Buffer} bytes */
  write(bytes) {
    this.#socket.write(bytes);
  }

  close() {
    this.#socket.destroy();
  }

  #fault(kind, why) {
    throw new Fault(kind, `connection ${this.index}: ${why}`);
  }
}

export class Subscribers {
  /** Connections whose subscription is made. */
  ready = 0;
  /** @type {Conversation[]} */
  #connections = [];
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #options;

  /** @param {SubscribersOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Connects and subscribes all of them, some at a time. */
  async open() {
    const lane = async () => {
      while (this.#connections.length < this.#options.count) {
        await new Promise((resolve) => this.#connect(() => resolve(undefined)));
        this.ready++;
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }

  #connect(onReady) {
    const index = this.#connections.length;
    this.#connections.push(new Conversation({ ...this.#options, index, buffer: this.#buffer, onReady }));
  }
}
