/**
 * The URL of all transports: chooses the transport of a request by method, headers and body. Origins are checked first;
 * tickets are read from bodies only.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  CLOSE_CODES,
  type CloseName,
  ERRORS,
  type ErrorBody,
  type ErrorCode,
  errorBody,
} from '../../../protocol/codes.js';
import type {
  ClosingFrame,
  OpenFrame,
  PollBody,
  ProbeFrame,
  SendAnswer,
  SubscribeItem,
} from '../../../protocol/frames.js';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/limits.js';
import type { Origins } from '../auth/origins/origins.js';
import { closingFrame } from '../core/session/connection.js';
import type { Session } from '../core/session/session.js';
import { FLOOD_PAUSE_MS } from '../core/wire/frame-rate.js';
import { fault, headerFault, RequestFault, refuseSocket } from '../http/http-errors.js';
import { decodeBody, decodeSendFrame, type PostBody } from './decode.js';
import { type Dialect, guardedDialect, guardedWriter } from './dialect.js';
import { DOBBY } from './dobby-dialect.js';
import { streamEvents } from './event-stream.js';
import { receiveFrame } from './inbound.js';
import { LongPolls, type PollExchange } from './long-poll.js';
import type { Refused } from './opening.js';
import { OriginWarnings, originAdvice } from './origin-advice.js';
import { rawItems } from './raw-request.js';
import { EVENT_STREAM, endOfStream, eventOf, type StreamFormat, streamHeaders } from './sse.js';
import type { TransportOptions } from './transport-options.js';
import { IgnoredUpgrades, isHandshake, pathOf } from './upgrades.js';
import { WebSocketTransport } from './websocket.js';

/** Options of `Endpoint`. */
export interface EndpointOptions extends TransportOptions {
  readonly origins: Origins;
  /** Returns whether a path has a state to follow. */
  readonly hasState: (path: string) => boolean;
  /** Whether clients are to send their cookies. */
  readonly wantsCookies: boolean;
  /** Headers that are forwarded to the back end, beside cookies. */
  readonly forwardHeaders: readonly string[];
  /** The path of the endpoint. */
  readonly url: string;
}

/** A stream in another protocol, opened by a GET. */
export interface StreamRoute {
  readonly url: string;
  readonly format: StreamFormat;
  /** Returns the paths that a request asks for. */
  paths(request: FastifyRequest): SubscribeItem[];
  /** Returns the text that answers a refusal. */
  refusal(error: ErrorBody): string;
}

/** A stream in a format. */
interface StreamOptions {
  readonly frame: OpenFrame;
  readonly format: StreamFormat;
  readonly onRefused: (refused: Refused) => void;
}

type SendRequest = Extract<PostBody, { type: 'send' }>;

const PLAIN_TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };

/** When an `EventSource` reconnects without another time, in milliseconds. */
const RETRY_MS = 5_000;

/** Serves the endpoint on a Fastify server. */
export class Endpoint {
  readonly #options: EndpointOptions;
  /** By URL. */
  readonly #webSockets = new Map<string, WebSocketTransport>();
  readonly #polls: LongPolls;
  readonly #warnings: OriginWarnings;
  /** Sockets that carry an event stream, or a WebSocket, which HTTP does not track any more. */
  readonly #sockets = new Set<Socket>();
  /** Shared by all sockets: a closure for each would cost memory. */
  readonly #forget: (this: Socket) => void;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const sockets = this.#sockets;
    this.#forget = function forget() {
      sockets.delete(this);
    };
    this.#warnings = new OriginWarnings(options.log);
    this.#webSockets.set(options.url, new WebSocketTransport(options, DOBBY));
    this.#polls = new LongPolls(options);
  }

  /** Takes WebSockets at another URL, in another dialect. @throws Error when the URL is taken */
  addWebSockets(url: string, dialect: Dialect): void {
    if (this.#webSockets.has(url)) throw new Error(`WebSockets at ${url} have a dialect already`);
    const guarded = guardedDialect(dialect, this.#options.log);
    this.#webSockets.set(url, new WebSocketTransport(this.#options, guarded));
  }

  /** Streams public paths at another URL, in another dialect. */
  addStream(app: FastifyInstance, { url, format, paths, refusal }: StreamRoute): void {
    const { log } = this.#options;
    const writer = guardedWriter(format.encoding.writer, log);
    const guardedFormat = { ...format, encoding: { ...format.encoding, writer } };
    const onRequest = async (request: FastifyRequest, reply: FastifyReply) => this.#admit(request, reply);
    const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const decoded = decodeBody({ type: 'open', protocol: PROTOCOL_VERSION, paths: paths(request) });
      const cors = this.#corsHeaders(request.headers.origin);
      const onRefused = ({ error }: Pick<Refused, 'error'>): void =>
        void reply.raw.writeHead(ERRORS[error.code].status, { ...cors, ...PLAIN_TEXT }).end(refusal(error));
      if ('value' in decoded)
        return this.#open(request, reply, {
          frame: decoded.value as OpenFrame,
          format: guardedFormat,
          onRefused,
        });
      reply.hijack();
      onRefused(decoded);
      return reply;
    };
    app.route({ url, onRequest, method: ['GET', 'HEAD'], handler });
  }

  /** Adds the routes. */
  register(app: FastifyInstance): void {
    const { url } = this.#options;
    const onRequest = async (request: FastifyRequest, reply: FastifyReply) => this.#admit(request, reply);
    const get = (request: FastifyRequest, reply: FastifyReply) => this.#get(request, reply);
    const post = (request: FastifyRequest, reply: FastifyReply) => this.#post(request, reply);
    // Without a route for HEAD the library would answer it and open the stream.
    app.route({ url, onRequest, method: ['GET', 'HEAD'], handler: get });
    app.route({ url, onRequest, method: 'POST', bodyLimit: LIMITS.openBytes, handler: post });
    app.route({ url, onRequest, method: 'OPTIONS', handler: (_, reply) => reply.code(204).send() });
    const ignored = new IgnoredUpgrades(app.server);
    app.server.on('upgrade', (request, socket: Socket, head) => {
      const webSockets = isHandshake(request) ? this.#webSockets.get(pathOf(request)) : undefined;
      if (webSockets === undefined) ignored.giveBack(request, socket, head);
      else if (this.#mayUpgrade(request, socket)) webSockets.upgrade(request, socket, head);
    });
  }

  /** Returns whether every WebSocket and event stream has ended, and every poll has its last answer. */
  get isDrained(): boolean {
    return this.#sockets.size === 0 && this.#polls.isDrained;
  }

  /** Ends the remaining connections. */
  stop(): void {
    for (const webSockets of this.#webSockets.values()) webSockets.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Returns the CORS headers for a request that never reached the endpoint; no headers for other origins. */
  corsOf(headers: IncomingHttpHeaders, address: string): Record<string, string> {
    return this.#options.origins.isAllowed(headers, address) ? this.#corsHeaders(headers.origin) : {};
  }

  #admit(request: FastifyRequest, reply: FastifyReply): void {
    const origin = request.headers.origin;
    if (!this.#options.origins.isAllowed(request.headers, request.socket.remoteAddress ?? '')) {
      throw this.#refusalOf(origin);
    }
    reply.headers(this.#corsHeaders(origin));
  }

  #mayUpgrade(request: IncomingMessage, socket: Socket): boolean {
    socket.on('error', destroySocket);
    const isAllowed = this.#options.origins.isAllowed(request.headers, socket.remoteAddress ?? '');
    const wrong = headerFault(request) ?? (isAllowed ? null : this.#refusalOf(request.headers.origin));
    if (wrong !== null) {
      refuseSocket(socket, wrong);
      return false;
    }
    request.headers.upgrade = 'websocket'; // it may have been one of several offers
    this.#note(socket);
    return true;
  }

  /** Returns the refusal for a page of this origin, and logs it. */
  #refusalOf(origin = ''): RequestFault {
    this.#warnings.warnOf(origin);
    return fault('origin_not_allowed', { message: originAdvice(origin) });
  }

  #get(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (request.headers['sec-websocket-key'] !== undefined) throw fault('upgrade_stripped');
    const paths = rawItems(request, this.#options);
    return this.#stream(request, reply, { type: 'open', protocol: PROTOCOL_VERSION, paths });
  }

  #post(request: FastifyRequest, reply: FastifyReply): FastifyReply | SendAnswer | Promise<FastifyReply> {
    const decoded = decodeBody(request.body);
    if ('error' in decoded) throw refusedBody(decoded.error, request.body);
    const body = decoded.value;
    switch (body.type) {
      case 'send':
        return this.#send(body);
      case 'poll':
        return this.#poll(body, request, reply);
      case 'probe':
        return this.#probe(body, request, reply);
      case 'open':
        if (acceptsEvents(request)) return this.#stream(request, reply, body);
        return this.#openPoll(body, request, reply);
      default:
        return body satisfies never;
    }
  }

  #probe(frame: ProbeFrame, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    // A pipelined response has no socket yet, and may never emit `close`.
    if (reply.raw.socket === null) throw fault('too_many_probes');
    const probe = this.#options.probes.begin(this.#options.addressOf(request.raw));
    if (probe === null) throw fault('too_many_probes');
    reply.raw.on('close', () => probe.end());
    if (acceptsEvents(request) && frame.step === 1) {
      reply.hijack();
      probe.stream(reply.raw, this.#corsHeaders(request.headers.origin));
      return reply;
    }
    reply.header('Cache-Control', 'no-store');
    probe.answer(frame, (answer) => void reply.send(answer));
    return reply;
  }

  async #openPoll(frame: OpenFrame, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { addressOf, clientInfoOf } = this.#options;
    const client = { address: addressOf(request.raw), visitor: clientInfoOf(request.raw) };
    const refused = await this.#polls.open(frame, exchangeOf(reply), client);
    if (refused !== null) throw new RequestFault(refused.error, refused.closing);
    this.#holds(request, reply);
    return reply;
  }

  #stream(request: FastifyRequest, reply: FastifyReply, frame: OpenFrame): FastifyReply {
    const headers = this.#corsHeaders(request.headers.origin);
    const isEventSource = request.method === 'GET' && acceptsEvents(request);
    const onRefused = ({ error, closing }: Refused): void => {
      if (isEventSource && ERRORS[error.code].retryable) this.#askBack(reply, closing, headers);
      else answerRaw(reply, new RequestFault(error, closing), headers);
    };
    return this.#open(request, reply, { frame, format: EVENT_STREAM, onRefused });
  }

  /** Opens a session over the answer to a request: a raw one unless that is a POST. `onRefused` answers a refusal. */
  #open(
    request: FastifyRequest,
    reply: FastifyReply,
    { frame, format, onRefused }: StreamOptions,
  ): FastifyReply {
    if (request.method === 'HEAD')
      return reply.type(format.contentType).header('Cache-Control', 'no-store').send();
    const headers = this.#corsHeaders(request.headers.origin);
    reply.hijack();
    streamEvents(this.#options, frame, {
      ...{ request: request.raw, response: reply.raw, headers, isRaw: request.method !== 'POST' },
      ...{ format, onRefused },
      onBegun: () => this.#note(request.raw.socket),
    });
    return reply;
  }

  /** Refuses a stream; for a while only by one that ends at once, since an `EventSource` reconnects only after 200. */
  #askBack(reply: FastifyReply, closing: ClosingFrame, headers: Record<string, string>): void {
    reply.raw.writeHead(200, { ...streamHeaders(EVENT_STREAM), ...headers });
    reply.raw.write(EVENT_STREAM.retry(closing.reconnectAfterMs ?? RETRY_MS));
    reply.raw.write(eventOf(closing));
    endOfStream(reply.raw, this.#options.wheel);
  }

  #corsHeaders(origin: string | undefined): Record<string, string> {
    if (origin === undefined) return { Vary: 'Origin' };
    const { wantsCookies, forwardHeaders } = this.#options;
    return {
      Vary: 'Origin',
      'Access-Control-Allow-Origin': origin,
      ...(wantsCookies && { 'Access-Control-Allow-Credentials': 'true' }),
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Allow-Headers': ['Content-Type, Accept, Last-Event-ID', ...forwardHeaders].join(', '),
      'Access-Control-Max-Age': '86400',
    };
  }

  #note(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', this.#forget);
  }

  #send(body: SendRequest): SendAnswer {
    // A repeated request; the client knows already when to come back.
    if (this.#options.isStopping()) throw endOf('restarting', 'restarting');
    const session = this.#options.sessions.all.get(this.#readTicket(body.ticket));
    if (session === undefined) throw fault('unknown_session');
    const { connection, connectionNumber } = session;
    if (body.connection !== connectionNumber) throw endOf('taken_over', 'taken_over', session.takenBy);
    if (connection === null) {
      // The client leaves for good and has closed its connection already.
      if (!this.#isFarewell(body.frames)) throw fault('unknown_session');
      void this.#options.sessions.end(session, 'ended');
      return { accepted: session.received };
    }
    connection.posted ??= { turn: -1, turnCost: 0, window: -1, windowFrames: 0 };
    if (!this.#options.frameRate.takes(connection.posted, body.frames.length)) {
      const closing = closingFrame('flooded', { reconnectAfterMs: FLOOD_PAUSE_MS });
      connection.close(closing);
      throw new RequestFault(errorBody('too_many_frames'), closing);
    }
    for (const frame of body.frames) receiveFrame(this.#options.sessions, connection, frame);
    return { accepted: session.received };
  }

  /** Returns whether a client says only that it leaves for good. */
  #isFarewell([frame, ...more]: readonly unknown[]): boolean {
    const decoded = decodeSendFrame(frame, this.#options.sessions.features);
    return more.length === 0 && 'value' in decoded && decoded.value.type === 'close';
  }

  #poll(body: PollBody, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const id = this.#readTicket(body.ticket);
    const code = this.#polls.poll(id, body, exchangeOf(reply));
    if (code === 'taken_over') throw endOf(code, 'taken_over', this.#options.sessions.all.get(id)?.takenBy);
    if (code !== null) throw fault(code);
    this.#holds(request, reply);
    return reply;
  }

  /** Counts the socket of a waiting poll until it is answered. */
  #holds({ raw: { socket } }: FastifyRequest, { raw: response }: FastifyReply): void {
    const { sockets } = this.#options;
    sockets.proves(socket, 'client');
    response.once('close', () => sockets.rests(socket));
  }

  #readTicket(ticket: string): string {
    const verdict = this.#options.tickets.read(ticket);
    if ('fault' in verdict) {
      if (verdict.fault === 'bad_ticket') throw endOf(verdict.fault, 'ticket_refused');
      throw fault(verdict.fault, { field: 'ticket' });
    }
    return verdict.claims.id;
  }
}

function exchangeOf(reply: FastifyReply): PollExchange {
  const answer = (body: Buffer): void =>
    void reply.header('Cache-Control', 'no-store').type('application/json; charset=utf-8').send(body);
  return { response: reply.raw, answer };
}

/** Returns the refusal of a body. Invalid `open` frames are refused for good; other bodies may come from a proxy. */
function refusedBody(error: ErrorBody, body: unknown): RequestFault {
  const isOpen = (body as { readonly type?: unknown } | null)?.type === 'open';
  return isOpen ? new RequestFault(error, { code: CLOSE_CODES.open_refused }) : new RequestFault(error);
}

/** Returns whether the answer may be an event stream. */
function acceptsEvents({ headers: { accept } }: FastifyRequest): boolean {
  return accept?.includes('text/event-stream') === true;
}

/** Returns the fault that ends a connection, with the close code for the client's next step. */
function endOf(code: ErrorCode, close: CloseName, more: Session['takenBy'] = {}): RequestFault {
  return new RequestFault(errorBody(code), { code: CLOSE_CODES[close], ...more });
}

function answerRaw(reply: FastifyReply, refused: RequestFault, headers: Record<string, string>): void {
  reply.raw.writeHead(refused.status, {
    ...headers,
    ...refused.headers,
    'Content-Type': 'application/json',
  });
  reply.raw.end(JSON.stringify(refused.answer));
}

function destroySocket(this: Socket): void {
  this.destroy();
}
