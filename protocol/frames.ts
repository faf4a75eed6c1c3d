/**
 * The frames of docs/protocol.md as types. `UpFrame` is what a client sends, `DownFrame` what the
 * server sends; an update is the one frame without a `type`.
 */
import type { CommandErrorCode, ErrorBody, ErrorCode } from './codes.js';
import type { GapReason, Position } from './positions.js';

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * One path that a client wants to hear. Without `position` it is heard from now on; with one, from
 * the update after it; with `null` the client heard the path before but has no position (no log). With `last` and no position it
 * is heard from before that many of the newest updates. With
 * `state` the client also follows the path's state: it asks for a `snapshot`, or has what the state was
 * at its position and needs the `changes` only. A `token` is the back end's signed word that whoever holds
 * it may hear the path.
 */
export interface SubscribeItem {
  readonly path: string;
  readonly position?: Position | null;
  readonly last?: number;
  readonly state?: 'snapshot' | 'changes';
  readonly token?: string;
}

/**
 * The first frame of a connection. With a ticket it resumes the session of that ticket. A `token` is the back end's signed word of
 * who is asking and what they may hear.
 */
export interface OpenFrame {
  readonly type: 'open';
  readonly protocol: number;
  readonly ticket?: string;
  /** Counts the `open` frames of one client, from 1: the session refuses a lower number than it has seen. */
  readonly attempt?: number;
  readonly token?: string;
  readonly paths?: readonly SubscribeItem[];
}

/** Asks to hear paths. `n` numbers the frames that a session sends, from 1. */
export interface SubscribeFrame {
  readonly type: 'subscribe';
  readonly n: number;
  readonly paths: readonly SubscribeItem[];
}

/** Ends subscriptions. */
export interface UnsubscribeFrame {
  readonly type: 'unsubscribe';
  readonly n: number;
  readonly paths: readonly string[];
}

/**
 * Asks a handler to do something. `uid` names it among the commands of its session. `again`: the client has sent it
 * before and got no answer, so it joins the running call or gets its recorded answer; where neither is known it runs only if
 * it is `idempotent`.
 */
export interface CommandFrame {
  readonly type: 'command';
  readonly n: number;
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  /** What the handler is given; without it an empty object. */
  readonly args?: Json;
  readonly again?: boolean;
  readonly idempotent?: boolean;
  /** How long the client waits for the answer, in milliseconds; the server may allow less. */
  readonly timeoutMs?: number;
}

/** Renews the token of the session. */
export interface TokenFrame {
  readonly type: 'token';
  readonly n: number;
  readonly token: string;
}

/**
 * Asks for a `probed` frame: step 1 is answered at once, step 2 a second later. Needs no session, and takes none over. On an open
 * connection it asks for a sign of life.
 */
export interface ProbeFrame {
  readonly type: 'probe';
  readonly step: 1 | 2;
}

/** What may follow the first frame. */
export type SendFrame =
  | SubscribeFrame
  | UnsubscribeFrame
  | CommandFrame
  | TokenFrame
  | ProbeFrame
  /** Answers a `ping`. */
  | { readonly type: 'pong' }
  /** Ends the session for good. */
  | { readonly type: 'close' };

/** Every frame that a client sends. */
export type UpFrame = OpenFrame | SendFrame;

/** The body of a POST that fetches what has come since the last answer. */
export interface PollBody {
  readonly type: 'poll';
  readonly ticket: string;
  readonly connection: number;
  /** `reconnectWith` of the last answer. */
  readonly cursor: string;
}

/** The body of a POST that carries frames upstream. */
export interface SendBody {
  readonly type: 'send';
  readonly ticket: string;
  readonly connection: number;
  readonly frames: readonly SendFrame[];
}

/** The first frame of the server. */
export interface OpenedFrame {
  readonly type: 'opened';
  /** Public: what back ends and URLs carry. */
  readonly id: string;
  /** Private: what resumes the session. */
  readonly ticket: string;
  /** Number of this connection in its session. */
  readonly connection: number;
  /** Whether the session of the ticket lives on. */
  readonly resumed: boolean;
  /** Why the ticket gave no session, when it did not. */
  readonly refused?: ErrorCode;
  /** The last `n` that took effect. */
  readonly received: number;
  /** True after a crash: which frames it had received of this session before, the server does not know. */
  readonly forgot?: boolean;
  /** How long the token of the session is still good, in milliseconds; absent where it has none. */
  readonly tokenExpiresInMs?: number;
  readonly pingIntervalMs: number;
}

/** One message pushed to a path. A path without a log has no positions. */
export interface UpdateFrame {
  readonly path: string;
  /** Of which entry of the path's state this is the new value; a null message removes the entry. */
  readonly key?: string;
  readonly message: Json;
  readonly position?: Position;
}

/** One path that is heard. */
export interface SubscribedItem {
  readonly path: string;
  readonly position: Position | null;
  /** How long the token by which it is heard is still good, in milliseconds; absent where it is heard without one. */
  readonly expiresInMs?: number;
}

/** From `position` on the client hears these paths. */
export interface SubscribedFrame {
  readonly type: 'subscribed';
  readonly paths: readonly SubscribedItem[];
}

/** These paths wait for the back end's word. */
export interface PendingFrame {
  readonly type: 'pending';
  readonly paths: readonly string[];
}

/** These paths cannot be heard. */
export interface RefusedFrame {
  readonly type: 'refused';
  readonly paths: readonly ({ readonly path: string } & ErrorBody)[];
  /** The last `n` that had taken effect when the server decided; absent before the first. */
  readonly received?: number;
}

/** These subscriptions have ended. */
export interface UnsubscribedFrame {
  readonly type: 'unsubscribed';
  readonly paths: readonly string[];
  /** Who ended them: the client, the back end, or a token that has expired. */
  readonly by: 'client' | 'back_end' | 'expiry';
  /** The last `n` that had taken effect when the server decided; absent before the first. */
  readonly received?: number;
}

/** Updates after `from`, up to and including `to`, are lost to this client. */
export interface GapFrame {
  readonly type: 'gap';
  readonly path: string;
  readonly from: Position | null;
  readonly to: Position | null;
  readonly reason: GapReason;
}

/** One part of the state that a path has at `position`. */
export interface StateFrame {
  readonly type: 'state';
  readonly path: string;
  readonly position: Position;
  /** In the order of their last change. */
  readonly entries: readonly { readonly key: string; readonly message: Json }[];
  /** Whether the snapshot begins here: parts of an earlier one count no more. */
  readonly first: boolean;
  /** Whether it ends here: what the client knew of the state is replaced. */
  readonly last: boolean;
  /** Whether it may be a part only of what there was before the server crashed. */
  readonly partial?: true;
}

/** Why a command was not done. */
export interface CommandError {
  readonly code: CommandErrorCode;
  readonly message: string;
  /** The argument at fault, as a dotted path such as `args.text`. */
  readonly field?: string;
  /** The handler's own code, where it refused. */
  readonly reason?: string;
  /** What the handler has to say beyond that. */
  readonly data?: Json;
}

/** The answer to the command `uid`: what the handler replied, or why it was not done. */
export type ReplyFrame =
  | { readonly type: 'reply'; readonly uid: string; readonly reply: Json }
  | { readonly type: 'reply'; readonly uid: string; readonly error: CommandError };

/** Replaces the ticket. */
export interface TicketFrame {
  readonly type: 'ticket';
  readonly ticket: string;
}

/** The token that the client sent has taken the place of the one before. */
export interface RenewedFrame {
  readonly type: 'renewed';
  /** How long it is good, in milliseconds. */
  readonly expiresInMs: number;
}

/** To be answered with a `pong`. */
export interface PingFrame {
  readonly type: 'ping';
  readonly received: number;
}

/** Answers a `probe` of the same step. */
export interface ProbedFrame {
  readonly type: 'probed';
  readonly step: 1 | 2;
}

/** A frame of the client was refused; nothing of it took effect. */
export interface ErrorFrame extends ErrorBody {
  readonly type: 'error';
  readonly n?: number;
}

/** The last frame of a connection; the number is a close code. */
export interface ClosingFrame {
  readonly type: 'closing';
  readonly code: number;
  readonly message: string;
  /** The error behind it, where there is one. */
  readonly error?: ErrorCode;
  /** With `taken_over`: the `attempt` of the `open` frame that has the session now; absent where it named none. */
  readonly attempt?: number;
  /** The earliest time to come back, in milliseconds from now. */
  readonly reconnectAfterMs?: number;
}

/** Every frame of the server that has a type. */
export type ControlFrame =
  | OpenedFrame
  | SubscribedFrame
  | PendingFrame
  | RefusedFrame
  | UnsubscribedFrame
  | GapFrame
  | StateFrame
  | ReplyFrame
  | TicketFrame
  | RenewedFrame
  | PingFrame
  | ProbedFrame
  | ErrorFrame
  | ClosingFrame;

/** Every frame of the server. */
export type DownFrame = ControlFrame | UpdateFrame;

/** The answer to an opening POST without event stream, and to a poll. */
export interface PollAnswer {
  readonly updates: readonly DownFrame[];
  readonly reconnectWith: string;
}

/** The answer to a POST that carried frames: the last `n` that took effect. */
export interface SendAnswer {
  readonly accepted: number;
}

/** The answer to an HTTP request that failed. */
export interface ErrorAnswer {
  readonly error: ErrorBody &
    Pick<ClosingFrame, 'attempt' | 'reconnectAfterMs'> & {
      readonly retryable: boolean;
      /** The close code that a WebSocket would have got, where the request would have opened a connection or belonged to one. */
      readonly close?: number;
    };
}
