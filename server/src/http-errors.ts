/** How an error of the protocol's table is answered over HTTP, everywhere in the server. */
import { ERRORS, type ErrorBody, type ErrorCode } from '../../protocol/codes.js';
import type { ErrorAnswer } from '../../protocol/frames.js';

/** A fault that a request handler throws to answer with an error of the table. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly body: ErrorBody;
  /** The close code of the connection that was refused or has ended. */
  readonly close: number | undefined;

  constructor(body: ErrorBody, close?: number) {
    super(body.message);
    this.body = body;
    this.close = close;
  }
}

/** The fault of a code, with a message of its own where the table's says too little. */
export function fault(code: ErrorCode, more: { message?: string; field?: string } = {}): RequestFault {
  return new RequestFault({ code, message: ERRORS[code].message, ...more });
}

/** The answer to a request that failed. */
export function errorAnswer(error: ErrorBody, close?: number): ErrorAnswer {
  const { retryable } = ERRORS[error.code];
  return { error: { ...error, retryable, ...(close === undefined ? {} : { close }) } };
}

/** The HTTP status of an error. */
export function statusOf(error: ErrorBody): number {
  return ERRORS[error.code].status;
}

/** What an unexpected error of the HTTP library or of ours is to the client; null for our own bugs. */
export function knownFault(error: unknown): ErrorBody | null {
  if (error instanceof RequestFault) return error.body;
  const code = LIBRARY_CODES[String((error as { code?: unknown }).code)];
  return code === undefined ? null : { code, message: ERRORS[code].message };
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
