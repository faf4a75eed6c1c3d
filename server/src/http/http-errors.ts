/** How an error of the protocol's table is answered over HTTP, everywhere in the server. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ERRORS, type ErrorBody, type ErrorCode, errorBody } from '../../../protocol/codes.js';
import type { ClosingFrame, ErrorAnswer } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { DobbyError } from '../core/operations/dobby-error.js';

/** When a request is to be tried again that a server refused because it stops. */
const RESTART_MS = 1_000;

type Closing = Pick<ClosingFrame, 'code' | 'attempt' | 'reconnectAfterMs'>;

/** A refused request as it is answered over HTTP; handlers throw it. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly body: ErrorBody;
  /** How the connection that was refused, or has ended, would have been closed. */
  readonly #closing: Closing | undefined;

  constructor(body: ErrorBody, closing?: Closing) {
    super(body.message);
    this.body = body;
    this.#closing = closing;
  }

  /** The HTTP status. */
  get status(): number {
    return ERRORS[this.body.code].status;
  }

  /** What is answered. */
  get answer(): ErrorAnswer {
    const { retryable } = ERRORS[this.body.code];
    if (this.#closing === undefined) return { error: { ...this.body, retryable } };
    const { code: close, attempt, reconnectAfterMs } = this.#closing;
    const more = {
      ...(attempt === undefined ? {} : { attempt }),
      ...(reconnectAfterMs === undefined ? {} : { reconnectAfterMs }),
    };
    return { error: { ...this.body, retryable, close, ...more } };
  }

  /** What is answered besides: `Retry-After` in whole seconds (RFC 9110, 10.2.3), where there is a time to wait. */
  get headers(): Record<string, string> {
    // A server that stops is back soon, and whoever asks its API has no slot.
    const ms = this.#closing?.reconnectAfterMs ?? (this.body.code === 'restarting' ? RESTART_MS : undefined);
    return ms === undefined ? {} : { 'Retry-After': String(Math.ceil(ms / 1_000)) };
  }

  /** The whole answer with further headers, for a socket that is no longer, or not yet, the HTTP server's. */
  text(more: Readonly<Record<string, string>> = {}): string {
    const body = JSON.stringify(this.answer);
    return [
      `HTTP/1.1 ${this.status} Refused`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      ...Object.entries({ ...this.headers, ...more }).map(([name, value]) => `${name}: ${value}`),
      '',
      body,
    ].join('\r\n');
  }
}

/** How long a refused socket may take to read its answer. */
const GRACE_MS = 500;

/** Answers on a socket that is not the HTTP server's to answer on, and sees that it goes, however its client behaves. */
export function refuseSocket(
  socket: Socket,
  refused: RequestFault,
  headers: Readonly<Record<string, string>> = {},
): void {
  socket.on('error', () => socket.destroy());
  socket.end(refused.text(headers));
  socket.resume();
  setTimeout(() => socket.destroy(), GRACE_MS).unref();
}

/** The fault of a code, with a message of its own where the table's says too little. */
export function fault(code: ErrorCode, more: { message?: string; field?: string } = {}): RequestFault {
  return new RequestFault(errorBody(code, more));
}

/** Says what is wrong with the headers of a request before anything is done with them; null: nothing. */
export function headerFault({
  url = '',
  rawHeaders,
  headers,
  httpVersion,
}: IncomingMessage): RequestFault | null {
  // Colon, space and the end of the line; of the first line method and version.
  const bytes = rawHeaders.reduce((sum, part) => sum + part.length + 2, url.length + 16);
  if (bytes > LIMITS.headerBytes) return fault('headers_too_large');
  const lacksHost = headers.host === undefined && httpVersion === '1.1';
  return lacksHost ? fault('bad_request', { message: 'This request has no Host header.' }) : null;
}

/** What an error of ours or of the HTTP library is to the client; null for our own bugs. */
export function knownFault(error: unknown): RequestFault | null {
  if (error instanceof RequestFault) return error;
  if (error instanceof DobbyError) return new RequestFault(error.body);
  const code = LIBRARY_CODES[String((error as { code?: unknown }).code)];
  return code === undefined ? null : fault(code);
}

const LIBRARY_CODES: Record<string, ErrorCode | undefined> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad_json',
  FST_ERR_BAD_URL: 'not_found',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  ECONNRESET: 'request_timeout',
};
