/** What takes commands: a module inside Dobby, or the back end. */
import type { CommandError, Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session.js';

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
  /** Aborted when nobody waits for the answer any more: it took too long, or its session has ended. */
  readonly signal: AbortSignal;
}

/** What came of a call. */
export type CallOutcome = { readonly reply: unknown } | { readonly error: CommandError };

/** Where a command goes. */
export interface Route {
  /** For the log. */
  readonly name: string;
  /** Whether those of one session and path wait for each other. */
  readonly isOrdered: boolean;
  /** Does it; never throws, and never rejects. */
  run(call: Call): CallOutcome | Promise<CallOutcome>;
}

/** Something that takes commands. */
export interface Handler {
  /** Where a command of this name on this path goes, or null when this handler does not take it. */
  route(path: string, command: string): Route | null;
  /** A session has ended. */
  ended?(session: Session): void;
}
