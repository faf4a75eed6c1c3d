/**
 * Streams: one endless HTTP response, with frames in a format such as that of event streams. The body has no chunks and ends
 * with the connection (RFC 9112, 6.3), so that all readers share prepared bytes. A raw stream is opened by a GET:
 * public paths only, no ticket.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CLOSE_CODES } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame } from '../../../protocol/frames.js';
import { mapAnswer } from '../core/data/maybe-promise.js';
import type { Carrier } from '../core/session/connection.js';
import type { SessionConnection } from '../core/session/session.js';
import type { Encoding } from '../core/wire/encoding.js';
import { opening, type Refused, refusalOf } from './opening.js';
import { SocketWriter } from './socket-writer.js';
import { endOfStream, type StreamFormat, streamHeaders } from './sse.js';
import type { TransportOptions } from './transport-options.js';

/** A request to be answered with a stream. */
export interface StreamExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: Record<string, string>;
  readonly isRaw: boolean;
  readonly format: StreamFormat;
  /** Answers a refusal by HTTP, before the stream has begun. */
  readonly onRefused: (refused: Refused) => void;
  /** Called when the stream has begun. */
  readonly onBegun: () => void;
}

/** Answers with an event stream, or through `onRefused`: at once, or after the authentication. */
export function streamEvents(options: TransportOptions, frame: OpenFrame, exchange: StreamExchange): void {
  const { request, response, headers, isRaw, onRefused } = exchange;
  const socket = response.socket;
  // A pipelined response has no socket yet: it waits behind another one.
  if (socket === null || socket.destroyed) return void request.socket.destroy();
  const carrier = new EventStreamCarrier(options, exchange);
  const visitor = isRaw ? null : options.clientInfoOf(request);
  const isGone = (): boolean => socket.destroyed;
  const opened = opening(options, { value: frame }, carrier, { visitor, isGone });
  void mapAnswer(opened, (outcome) => {
    if ('closing' in outcome) return onRefused(outcome);
    // Another connection may have the session already, or the first frames exceeded the outbox.
    if (carrier.closing !== null) return onRefused(refusalOf(carrier.closing));
    options.sockets.proves(socket, 'client');
    carrier.begin(outcome.connection, headers);
    exchange.onBegun();
  });
}

class EventStreamCarrier implements Carrier {
  readonly transport = 'event-stream';
  readonly isPolled = false;
  readonly isBlocked = true;
  readonly isPinged: boolean;
  readonly isRaw: boolean;
  readonly address: string;
  readonly #options: TransportOptions;
  readonly #format: StreamFormat;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  #writer: SocketWriter | null = null;
  /** The frame that ended it; null before. */
  closing: ClosingFrame | null = null;

  constructor(options: TransportOptions, { request, response, isRaw, format }: StreamExchange) {
    this.#options = options;
    this.#format = format;
    this.#response = response;
    this.#socket = request.socket;
    this.isRaw = isRaw;
    this.isPinged = !isRaw;
    this.address = options.addressOf(request);
  }

  get encoding(): Encoding {
    return this.#format.encoding;
  }

  /** Sends what waits, after the headers. */
  begin(connection: SessionConnection, headers: Record<string, string>): void {
    this.#response.removeHeader('Transfer-Encoding');
    this.#response.writeHead(200, { ...streamHeaders(this.#format), ...headers });
    this.#response.flushHeaders();
    this.#socket.setNoDelay(true);
    this.#response.on('close', () => connection.lost());
    this.#writer = new SocketWriter(this.#socket, { drained: () => connection.outbox.unblock() });
    this.#writer.write(this.#format.padding);
    connection.outbox.unblock();
  }

  write(bytes: Buffer): boolean {
    return this.#writer?.write(bytes) ?? false;
  }

  bytesTaken(): number {
    return this.#writer?.taken ?? 0;
  }

  keepAlive(): void {
    this.#writer?.write(this.#format.comment);
  }

  end(closing: ClosingFrame): void {
    this.closing = closing;
    // A stream that has not begun is answered as refused.
    if (this.#writer === null) return;
    // A browser's EventSource then reconnects no sooner.
    if (this.isRaw && closing.reconnectAfterMs !== undefined)
      this.#writer.write(this.#format.retry(closing.reconnectAfterMs));
    this.#writer.finish();
    endOfStream(this.#response, this.#options.wheel);
    if (closing.code === CLOSE_CODES.stalled) this.#socket.destroy();
  }
}
