/** Commands on their way, what takes them, and who knows which does. */
import type { CommandError, Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session/session.js';

/** One command on its way. */
export interface Call {
  readonly session: Session;
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  /** Whether the client has asked before: it may have been begun by a server that has gone. */
  readonly isAgain: boolean;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the answer any more; its reason is `timeout` when it took too long, and `ended` when its session has ended. */
  readonly signal: AbortSignal;
}

/** What came of a call. */
export type CallOutcome = { readonly reply: unknown } | { readonly error: CommandError };

/** What takes a command: a module, or the back end. */
export interface Handler {
  /** For the log. */
  readonly name: string;
  /** Whether the commands of one session and path wait for each other. */
  readonly isOrdered: boolean;
  /** Does it; never throws, and never rejects. */
  run(call: Call): CallOutcome | Promise<CallOutcome>;
}

/** Knows some handlers. */
export interface CommandRouter {
  /** The one for a command of this name on this path, or null when there is none here. */
  route(path: string, command: string): Handler | null;
  /** A session has ended. */
  ended?(session: Session): void;
}
