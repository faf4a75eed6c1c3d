/** The class of errors that Pomona throws and reports; those of features extend it. */
import type { CloseName, ErrorCode } from '../../protocol/codes.js';

/** What only a client can run into; all other codes are those of docs/protocol.md. */
export type ClientErrorCode =
  | 'bad_url'
  | 'bad_answer'
  | 'closed'
  | 'disconnect_failed'
  | 'handler_failed'
  | 'outstanding_full'
  /** The page's own source of tokens failed, or what it gave was refused; Pomona asks it again. */
  | 'token_failed'
  | 'transport_failed';

/** Every code that a `PomonaError` can carry. */
export type PomonaErrorCode = ErrorCode | CloseName | ClientErrorCode;

/** What went wrong, with a stable `code` to decide by. */
export class PomonaError extends Error {
  override readonly name: string = 'PomonaError';
  /** Which error this is. */
  declare readonly code: PomonaErrorCode;
  /** The path concerned, where there is one. */
  declare readonly path: string | undefined;

  /** `detail.cause` is what was thrown by others; `detail.path` the path concerned. */
  constructor(code: PomonaErrorCode, message: string, detail?: { cause?: unknown; path?: string }) {
    super(message, detail);
    this.code = code;
    this.path = detail?.path;
  }
}

/** Hands an error that nobody listens for to the environment, as if it had not been caught. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
