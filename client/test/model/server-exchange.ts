/** One HTTP exchange as the server's endpoint sees it: the parts of Fastify's request and reply and of Node's response and socket that it uses. */
import { EventEmitter } from 'node:events';
import { knownFault } from '../../../server/src/http/http-errors.js';

/** Where an answer goes. */
export interface AnswerSink {
  head(status: number, headers: Record<string, string>): void;
  chunk(bytes: Uint8Array): void;
  end(): void;
}

/** What the endpoint's route does with a request. */
export type RouteHandler = (request: object, reply: object) => unknown;

class FakeSocket extends EventEmitter {
  destroyed = false;
  readonly remoteAddress = '192.0.2.1';
  readonly writableLength = 0;
  readonly writableNeedDrain = false;
  readonly #sink: AnswerSink;

  constructor(sink: AnswerSink) {
    super();
    this.#sink = sink;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.destroyed) this.#sink.chunk(bytes);
    return true;
  }

  setNoDelay(): void {}

  destroy(): void {
    if (this.destroyed) return;
    this.#sink.end();
    this.close();
  }

  close(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

class FakeServerResponse extends EventEmitter {
  readonly socket: FakeSocket;
  readonly #sink: AnswerSink;
  readonly #soon: (task: () => void) => void;
  #isOver = false;

  constructor(sink: AnswerSink, soon: (task: () => void) => void) {
    super();
    this.#sink = sink;
    this.#soon = soon;
    this.socket = new FakeSocket(sink);
    this.socket.once('close', () => this.#close());
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  removeHeader(): void {}
  flushHeaders(): void {}

  writeHead(status: number, headers: Record<string, string>): void {
    this.#sink.head(status, headers);
  }

  write(bytes: Uint8Array): boolean {
    return this.socket.write(bytes);
  }

  end(text?: string | Uint8Array): void {
    if (text !== undefined) this.write(Buffer.from(text as string));
    if (!this.destroyed) this.#sink.end();
    this.#soon(() => this.#close());
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.emit('close');
  }
}

/** A request under way. */
export class ServerExchange {
  readonly #response: FakeServerResponse;
  readonly #request: object;
  readonly #headers: Record<string, string> = {};
  #isTaken = false;

  constructor(posted: { body: string; accept: string }, sink: AnswerSink, soon: (task: () => void) => void) {
    const response = new FakeServerResponse(sink, soon);
    const raw = { socket: response.socket, headers: {} };
    this.#response = response;
    this.#request = {
      method: 'POST',
      headers: { accept: posted.accept },
      body: JSON.parse(posted.body) as unknown,
      raw,
    };
  }

  /** Gives the request to the endpoint, and answers what it throws or returns. */
  async handle(handler: RouteHandler): Promise<void> {
    try {
      const reply = this.#reply();
      const answer = await handler(this.#request, reply);
      if (answer !== reply) this.#send(200, JSON.stringify(answer));
    } catch (error) {
      const known = knownFault(error);
      if (known === null) throw error;
      this.#send(known.status, JSON.stringify(known.answer));
    }
  }

  /** The client has gone. */
  lost(): void {
    this.#response.socket.close();
  }

  #reply(): object {
    const reply = {
      raw: this.#response,
      hijack: () => {
        this.#isTaken = true;
      },
      header: (name: string, value: string) => {
        this.#headers[name] = value;
        return reply;
      },
      type: () => reply,
      headers: () => reply,
      send: (body: Buffer | object) => {
        this.#send(200, Buffer.isBuffer(body) ? body : JSON.stringify(body));
        return reply;
      },
    };
    return reply;
  }

  #send(status: number, body: string | Uint8Array): void {
    if (this.#isTaken) return;
    this.#response.writeHead(status, { ...this.#headers, 'Content-Type': 'application/json' });
    this.#response.end(body);
  }
}
