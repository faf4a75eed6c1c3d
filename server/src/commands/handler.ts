/** The contract between commands, their handlers and the routers that find them. */
import type { CommandError, Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session/session.js';

/** A command that is being handled. */
export interface Call {
  readonly session: Session;
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  /** Whether the client repeats the command: a previous server may have begun it. */
  readonly isAgain: boolean;
  /** The timeout, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when the reply is not awaited any more, with reason `timeout`, or `ended` at the end of the session. */
  readonly signal: AbortSignal;
}

/** The result of a call. */
export type CallOutcome = { readonly reply: unknown } | { readonly error: CommandError };

/** Handles commands: a module, or the back end. */
export interface Handler {
  /** Its name in the log. */
  readonly name: string;
  /** Whether the commands of one session and path wait for each other. */
  readonly isOrdered: boolean;
  /** Handles a call. Never throws and never rejects. */
  run(call: Call): CallOutcome | Promise<CallOutcome>;
}

/** Finds handlers. */
export interface CommandRouter {
  /** Returns the handler of a command on a path, or null. */
  route(path: string, command: string): Handler | null;
  /** Called when a session has ended. */
  ended?(session: Session): void;
}
