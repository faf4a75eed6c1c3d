/**
 * The two closed tables of docs/protocol.md: errors, which answer a request or a frame, and close
 * codes, which end a connection and whose range says whether to come back.
 */

/** One row of the table of errors. */
export interface ErrorEntry {
  /** The HTTP status that carries this error. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** What happened, as a sentence for a developer. */
  readonly message: string;
}

/** Statuses of failures that pass. */
const TEMPORARY: readonly number[] = [408, 431, 500, 502, 503];

const entry = (status: number, message: string, retryable = TEMPORARY.includes(status)): ErrorEntry => ({
  status,
  retryable,
  message,
});

/** Every error, by its code. */
export const ERRORS = {
  bad_json: entry(400, 'This is not JSON.'),
  bad_frame: entry(400, 'A frame is a JSON object.'),
  unknown_type: entry(400, 'There is no frame of this type.'),
  unknown_field: entry(400, 'There is no field of this name here.'),
  bad_field: entry(400, 'This field is missing or has a wrong value.'),
  bad_path: entry(400, 'A path is 1 to 255 bytes of UTF-8 without control characters, "*", "{" or "}".'),
  reserved_path: entry(400, 'Paths that begin with "::" belong to the server.'),
  bad_key: entry(400, 'A key is 1 to 255 bytes of UTF-8 without control characters.'),
  bad_pattern: entry(400, 'This is no pattern of paths.'),
  bad_position: entry(400, 'The path has never reached this position.'),
  bad_request: entry(
    400,
    'This is not an HTTP request as it arrived; something on the way may have altered it.',
    true,
  ),
  headers_too_large: entry(431, 'The headers of this request, cookies among them, are larger than allowed.'),
  too_large: entry(413, 'This is larger than allowed.'),
  too_many_items: entry(400, 'There are more items in this request than allowed.'),
  too_many_subscriptions: entry(429, 'The session has as many subscriptions as it may have.'),
  subscriptions_full: entry(503, 'All sessions together have as many subscriptions as the server may have.'),
  too_many_sessions: entry(503, 'The server has as many idle sessions as it may have.'),
  too_many_connections: entry(503, 'The server has as many connections as it may have.'),
  address_subscriptions: entry(
    503,
    'Sessions without a user at this address have as many subscriptions as one address may have.',
  ),
  address_sessions: entry(503, 'This address has as many idle sessions as one address may have.'),
  address_connections: entry(503, 'This address has as many connections as one address may have.'),
  address_opens: entry(503, 'This address opens more connections in a second than one address may.'),
  too_many_frames: entry(503, 'More frames come on this connection than one may send.'),
  too_many_requests: entry(503, 'More requests come on this connection than are answered at a time.'),
  too_many_tokens: entry(503, 'More tokens wait to be checked than may wait.'),
  no_log: entry(400, 'By its policy this path has no log.'),
  no_state: entry(400, 'By its policy this path has no state.'),
  state_full: entry(507, 'The state has no room for this: remove keys, or allow it more.'),
  too_many_opens: entry(503, 'More connections are being opened than the server admits.'),
  not_granted: entry(403, 'Nobody granted this path to the session in time.'),
  denied: entry(403, 'The back end took this path from the session.'),
  connect_refused: entry(403, 'The back end refused this path.'),
  connect_failed: entry(502, 'The back end could not be asked for this path.'),
  unknown_session: entry(404, 'There is no session of this id.'),
  user_mismatch: entry(409, 'The session is bound to another user.'),
  unauthorized: entry(401, 'The API key is missing or wrong.'),
  origin_not_allowed: entry(403, 'Pages of this origin may not connect.'),
  bad_ticket: entry(401, 'This ticket was not made by this server, or was altered.'),
  expired_ticket: entry(401, 'This ticket is too old.'),
  revoked_ticket: entry(401, 'The session of this ticket has ended.'),
  bad_token: entry(401, 'This token is none that this server takes, or not for this.'),
  expired_token: entry(401, 'This token has expired.'),
  revoked_token: entry(401, 'What this token says was taken back after it was made.'),
  keys_unavailable: entry(503, 'The keys that tokens are checked with cannot be had.'),
  not_identified: entry(503, 'The back end could not say who is asking.'),
  login_ended: entry(403, 'This login has ended.'),
  forbidden: entry(403, 'This API key may not do this.'),
  taken_over: entry(409, 'A newer connection has taken the session over.'),
  superseded: entry(409, 'The client has sent a newer attempt to open this session.'),
  too_many_probes: entry(503, 'More transports are being probed than the server answers at a time.'),
  not_open: entry(400, 'The first frame must be "open".'),
  already_open: entry(400, 'The session is open already.'),
  unsupported_protocol: entry(400, 'The server does not speak this version of the protocol.'),
  bad_cursor: entry(409, 'The cursor fits neither the last answer nor the one before.'),
  bad_sequence: entry(409, 'A frame is missing between the last one and this.'),
  upgrade_stripped: entry(
    426,
    'A proxy removed the Upgrade header: WebSockets cannot pass it as it is configured.',
  ),
  idempotency_key_reused: entry(409, 'This idempotency key came with another request before.'),
  not_found: entry(404, 'There is nothing at this address.'),
  method_not_allowed: entry(405, 'This address does not take this HTTP method.'),
  unsupported_media_type: entry(415, 'The body must be application/json.'),
  request_timeout: entry(408, 'The request did not arrive in time.'),
  unknown_command: entry(404, 'No handler takes this command on this path.'),
  not_allowed: entry(403, 'This session may not give this command.'),
  bad_args: entry(400, 'The arguments are not what the command takes.'),
  refused: entry(409, 'The handler refused the command.'),
  handler_failed: entry(424, 'The handler failed; the log on its side says why.'),
  timeout: entry(504, 'No answer came in time; whether the command was done is not known.'),
  too_many_commands: entry(503, 'More commands run at a time, or come in a second, than a session may give.'),
  uid_reused: entry(409, 'This uid came with another command before.'),
  disconnected: entry(
    409,
    'The connection was lost before the answer; whether the command was done is not known.',
  ),
  back_end_down: entry(503, 'The back end does not answer; nothing was asked of it.'),
  back_end_failed: entry(
    424,
    'The back end gave no valid answer; whether the command was done is not known.',
  ),
  state_conflict: entry(409, 'The version is not the present one: something has changed it.'),
  store_unavailable: entry(503, 'The store of the server does not answer; nothing was stored.'),
  restarting: entry(503, 'The server is shutting down.'),
  internal: entry(500, 'The server failed; its log says why.'),
} as const satisfies Record<string, ErrorEntry>;

/** The code of an error. */
export type ErrorCode = keyof typeof ERRORS;

/** The codes that a `reply` may carry. */
export type CommandErrorCode = Extract<
  ErrorCode,
  | 'bad_path'
  | 'reserved_path'
  | 'unknown_command'
  | 'not_allowed'
  | 'bad_args'
  | 'refused'
  | 'handler_failed'
  | 'timeout'
  | 'too_many_commands'
  | 'uid_reused'
  | 'disconnected'
  | 'back_end_down'
  | 'back_end_failed'
  | 'state_conflict'
  | 'too_large'
  | 'restarting'
>;

/** An error as it travels, in a frame, an HTTP answer or an item of a list. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  /** The field at fault, as a dotted path such as `paths.0.path`. */
  readonly field?: string;
}

/** A value, or why there is none. */
export type Outcome<T> = { readonly value: T } | { readonly error: ErrorBody };

/** The body of an error: the table's message, or `more.message` where that says too little. */
export function errorBody(
  code: ErrorCode,
  more: { readonly message?: string; readonly field?: string } = {},
): ErrorBody {
  return { code, message: ERRORS[code].message, ...more };
}

/**
 * Every close code, by name. 4000 to 4099: come back with the ticket. 4100 to 4199: come back
 * without it, as a new session. 4200 to 4299: do not come back.
 */
export const CLOSE_CODES = {
  restarting: 4000,
  stalled: 4001,
  outbox_full: 4002,
  open_timeout: 4003,
  ping_timeout: 4004,
  failed: 4005,
  busy: 4006,
  token_refused: 4007,
  identity_expired: 4008,
  superseded: 4009,
  flooded: 4010,
  kicked: 4100,
  ticket_refused: 4101,
  taken_over: 4200,
  dismissed: 4201,
  open_refused: 4202,
  ended: 4203,
} as const;

/** The name of a close code. */
export type CloseName = keyof typeof CLOSE_CODES;

/** What a client does after a connection closed with `code`. */
export type AfterClose = 'resume' | 'renew' | 'stop';

/** Tells from the range of a close code what the client does next; codes of others mean resume. */
export function afterClose(code: number): AfterClose {
  if (code >= 4100 && code < 4200) return 'renew';
  if (code >= 4200 && code < 4300) return 'stop';
  return 'resume';
}
