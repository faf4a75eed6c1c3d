/**
 * Bounds on HTTP requests, before they are worked for: how many come on one socket in one turn of the event loop, how many of them wait
 * for their answers, and how many bytes of bodies are parsed in one turn. Browsers, proxies and HTTP libraries ask one after the other;
 * a client that pipelines thousands of requests would be worked for while all others wait.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LinkedMap } from '../core/data/linked-map.js';
import type { Clock } from '../core/time/clock.js';
import { Turns } from '../core/wire/frame-rate.js';
import { fault, refuseSocket } from './http-errors.js';

/** Requests of one socket that are begun in one turn, and that wait for their answers. */
export const MAX_REQUESTS_A_TURN = 8;
export const MAX_UNANSWERED = 16;
/** Bytes of bodies that are parsed in one turn; a larger body has a turn of its own. */
export const PARSED_BYTES_A_TURN = 256 * 1024;
/** Bodies that are smaller need not wait. */
export const SMALL_BODY_BYTES = 8 * 1024;

interface RequestCount {
  turn: number;
  inTurn: number;
  unanswered: number;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** What is counted, on the socket and on each response that it waits for: a look-up for each request would cost more. */
const COUNT = Symbol('count');
type CountedSocket = Socket & { [COUNT]?: RequestCount };
type CountedResponse = ServerResponse & { [COUNT]?: RequestCount };

/** One for all responses. */
function answered(this: CountedResponse): void {
  const counted = this[COUNT];
  if (counted !== undefined) counted.unanswered--;
}

/** Ends sockets that ask more than they may, before anything else sees their requests. */
export function limitRequests(server: Server, clock: Pick<Clock, 'soon'>): void {
  const turns = new Turns(clock);
  const listeners = server.listeners('request') as Listener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: CountedResponse) => {
    const socket: CountedSocket = request.socket;
    // What else had been read when it was ended.
    if (socket.destroyed || socket.writableEnded) return;
    const turn = turns.now;
    socket[COUNT] ??= { turn, inTurn: 0, unanswered: 0 };
    const counted = socket[COUNT];
    if (counted.turn !== turn) {
      counted.turn = turn;
      counted.inTurn = 0;
    }
    counted.inTurn++;
    counted.unanswered++;
    if (counted.inTurn > MAX_REQUESTS_A_TURN || counted.unanswered > MAX_UNANSWERED) {
      refuseSocket(socket, fault('too_many_requests'));
      return stopReading(socket);
    }
    response[COUNT] = counted;
    response.on('close', answered);
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/**
 * Neither what has been read already is parsed to its end, nor is more read. The parser has no public way to be stopped; where this one is
 * not there, the rest of what was read is parsed and dropped. 2 says that what follows is no HTTP.
 */
function stopReading(socket: Socket): void {
  const { parser } = socket as { parser?: { onIncoming?: unknown } | null };
  if (parser != null) parser.onIncoming = () => 2;
  socket.pause();
}

/** Lets bodies be parsed: the small ones at once, the others so many bytes a turn, in the order of their coming. */
export class BodyTurns {
  readonly #clock: Pick<Clock, 'soon'>;
  readonly #waiting = new LinkedMap<() => void, number>();
  #isRunning = false;

  constructor(clock: Pick<Clock, 'soon'>) {
    this.#clock = clock;
  }

  /** Calls `parse` now or in a later turn. */
  run(bytes: number, parse: () => void): void {
    if (bytes <= SMALL_BODY_BYTES) return parse();
    this.#waiting.set(parse, bytes);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#clock.soon(() => this.#helping());
  }

  #helping(): void {
    let left = PARSED_BYTES_A_TURN;
    for (const [parse, bytes] of this.#waiting) {
      if (left < PARSED_BYTES_A_TURN && bytes > left) break;
      left -= bytes;
      this.#waiting.delete(parse);
      parse();
      if (left <= 0) break;
    }
    this.#isRunning = this.#waiting.size > 0;
    if (this.#isRunning) this.#clock.soon(() => this.#helping());
  }
}
