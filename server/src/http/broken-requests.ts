/**
 * Answers what never becomes a request: headers that are too large, what is no HTTP, what does not arrive in time. The answer tells of
 * the request and not of its client, so it is retryable: something on the way may have altered or delayed it.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { LIMITS } from '../../../protocol/limits.js';
import type { Log } from '../observe/log.js';
import { fault, headerFault, type RequestFault, refuseSocket } from './http-errors.js';

/** What is known of a client by the headers of its request and the address of its peer. */
export interface ClientRules {
  /** Returns the CORS headers of an answer; none when the client's page may not read it. */
  corsOf(headers: IncomingHttpHeaders, peer: string): Record<string, string>;
  /** Returns the client's address, seen through trusted proxies. */
  addressOf(headers: IncomingHttpHeaders, peer: string): string;
}

/**
 * What the parser takes: above `LIMITS.headerBytes`, so that there is a request, whose page is known, to be answered; and as much as
 * anybody may send in a body.
 */
export const PARSER_HEADER_BYTES = LIMITS.openBytes;

/** On each socket: the response that is being made; its request belongs to it. */
const CURRENT = Symbol('current');
type AnsweredSocket = Socket & { [CURRENT]?: ServerResponse };

type ParserError = Error & { readonly code?: string; readonly rawPacket?: unknown };

/** Answers broken requests of a server. */
export class BrokenRequests {
  readonly #log: Log;
  readonly #rules: ClientRules;

  /** `log` must bear any number of lines. */
  constructor(log: Log, rules: ClientRules) {
    this.#log = log;
    this.#rules = rules;
  }

  /** Refuses requests whose headers are too large before anything else looks at them. */
  watch(app: FastifyInstance): void {
    app.addHook('onRequest', ({ raw: request }, reply, done) => {
      (request.socket as AnsweredSocket)[CURRENT] = reply.raw;
      const refused = headerFault(request);
      if (refused === null) return done();
      const peer = request.socket.remoteAddress ?? '';
      if (refused.body.code === 'headers_too_large') this.#tellLarge(request.headers, peer);
      reply.headers(this.#rules.corsOf(request.headers, peer));
      done(refused);
    });
    // Node answers these by itself, without a body: an expectation may be ignored (RFC 9110, 10.1.1), and nothing is tunnelled.
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
    app.server.on('connect', (_request, socket: Socket) => refuseSocket(socket, fault('method_not_allowed')));
  }

  /** Answers on the socket of a request that the parser gave up, where it still takes an answer. */
  answer(error: ParserError, socket: Socket): void {
    const current = (socket as AnsweredSocket)[CURRENT];
    const isAnswering = current?.headersSent === true && !current.writableFinished;
    // In the middle of an answer there is no place for another.
    if (!socket.writable || error.code === 'ECONNRESET' || isAnswering) return void socket.destroy();
    const peer = socket.remoteAddress ?? '';
    const isUnfinished = current !== undefined && !current.req.complete;
    const headers = isUnfinished ? current.req.headers : headersIn(error.rawPacket);
    const refused = faultOf(error);
    if (refused.body.code === 'headers_too_large') this.#tellLarge(headers, peer);
    else {
      const address = this.#rules.addressOf(headers, peer);
      this.#log.debug({ address, reason: error.code ?? error.message }, 'a request was broken');
    }
    refuseSocket(socket, refused, this.#rules.corsOf(headers, peer));
  }

  #tellLarge(headers: IncomingHttpHeaders, peer: string): void {
    const address = this.#rules.addressOf(headers, peer);
    this.#log.warn(
      { address, maxBytes: LIMITS.headerBytes },
      'a request was refused: its headers are too large',
    );
  }
}

function faultOf({ code }: ParserError): RequestFault {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return fault('request_timeout');
    case 'HPE_HEADER_OVERFLOW':
      return fault('headers_too_large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return fault('too_large');
    default:
      return fault('bad_request');
  }
}

/** What decides about an origin, as far as it stands in the bytes that the parser had. */
function headersIn(packet: unknown): IncomingHttpHeaders {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : '';
  const find = (name: string) =>
    new RegExp(`^${name}:[ \\t]*([^\\r\\n]{1,1000})`, 'im').exec(text)?.[1]?.trim();
  const names = ['origin', 'host', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];
  return Object.fromEntries(
    names.map((name) => [name, find(name)]).filter(([, value]) => value !== undefined),
  );
}
