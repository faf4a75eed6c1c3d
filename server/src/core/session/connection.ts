/** One live transport of a session. Either side closes it, once; the server sends the `closing` frame last. */
import { CLOSE_CODES, type CloseName, ERRORS } from '../../../../protocol/codes.js';
import type { ClosingFrame } from '../../../../protocol/frames.js';
import { Frame } from '../wire/frame.js';
import type { Counted } from '../wire/frame-rate.js';
import { Outbox, type Source, type Wire } from '../wire/outbox.js';
import type { CoreContext } from './core-context.js';

/** The transports by name. */
export type TransportName = 'websocket' | 'event-stream' | 'long-poll';

/** The transport side of a connection: takes bytes and ends. */
export interface Carrier extends Wire {
  readonly transport: TransportName;
  /** The client's address. */
  readonly address: string;
  /** Whether the server sends `ping` frames on it and the client answers them. */
  readonly isPinged: boolean;
  /** Whether it is a raw stream: its client has no ticket and cannot resume. */
  readonly isRaw: boolean;
  /** Sends bytes that keep proxies awake; called at each ping interval without a ping. */
  keepAlive(): void;
  /** Ends the transport, after all written bytes. Idempotent. */
  end(closing: ClosingFrame): void;
  /** Returns the bytes that the socket has taken so far, to detect a stalled one. It only rises. */
  bytesTaken(): number;
}

const REASONS: Record<CloseName, string> = {
  busy: 'The server takes no more sessions at present.',
  restarting: 'The server shuts down.',
  stalled: 'The client did not read what waited for it.',
  outbox_full: 'The client caused more answers than it read.',
  open_timeout: 'No first frame came in time.',
  ping_timeout: 'No pong came for two intervals.',
  failed: 'The server failed.',
  token_refused: 'The token of the session was refused or has expired; come back with a new one.',
  identity_expired: 'What the back end said of the session has expired; it is asked again.',
  flooded: 'More frames came than a connection may send.',
  kicked: 'The back end ended the session; a new one may be opened.',
  ticket_refused: 'The ticket was refused; open without it.',
  taken_over: 'A newer connection has the session.',
  superseded: 'The client has sent a newer attempt to open this session.',
  dismissed: 'The back end ended the session for good.',
  open_refused: 'The first frame was refused.',
  ended: 'The client ended the session.',
};

/** Close codes that a client can cause as often as it likes. */
const CAUSED_BY_CLIENT: ReadonlySet<number> = new Set([
  CLOSE_CODES.outbox_full,
  CLOSE_CODES.taken_over,
  CLOSE_CODES.ended,
]);

/** Larger backlogs are dropped at such a close: else they stay in the socket for seconds, uncounted. */
const MAX_UNCOUNTED_BYTES = 64 * 1024;

/** Returns the last frame of a connection. */
export function closingFrame(
  name: CloseName,
  more: Partial<Pick<ClosingFrame, 'error' | 'attempt' | 'reconnectAfterMs'>> = {},
): ClosingFrame {
  const message = more.error === undefined ? REASONS[name] : ERRORS[more.error].message;
  return { type: 'closing', code: CLOSE_CODES[name], message, ...more };
}

/** The session, as far as its connection needs it. */
export interface ConnectionOwner {
  /** The number of its newest connection. */
  readonly connectionNumber: number;
  /** Puts missed updates into the outbox of the session's own connection; returns true when more are left. */
  readOn(connection: Connection): boolean;
}

/** What all connections share. */
export interface ConnectionContext<Owner extends ConnectionOwner = ConnectionOwner>
  extends Pick<CoreContext, 'flusher' | 'backlogs' | 'settings'> {
  /** Called once for each connection, when it is closed or lost. */
  onEnd(connection: Connection<Owner>): void;
}

export class Connection<Owner extends ConnectionOwner = ConnectionOwner> implements Source {
  readonly owner: Owner;
  readonly carrier: Carrier;
  readonly number: number;
  readonly outbox: Outbox;
  /** Whether the last ping is unanswered. */
  isPingUnanswered = false;
  /** For `Liveness`: its place, below 0 for none, and when the next ping is due, on the monotonic clock. */
  bucket = 0;
  index = -1;
  pingDueAt = 0;
  /** For `Liveness`: the bytes that the socket had taken, and since when it has taken no more. */
  taken = 0;
  takenAt = 0;
  /** Counts what was posted on it; null before the first. */
  posted: Counted | null = null;
  readonly #context: ConnectionContext<Owner>;
  #isClosed = false;

  /** Makes the next connection of `owner`; `attach` gives it the session. */
  constructor(owner: Owner, carrier: Carrier, context: ConnectionContext<Owner>) {
    this.owner = owner;
    this.carrier = carrier;
    this.number = owner.connectionNumber + 1;
    this.#context = context;
    this.outbox = new Outbox(carrier, this, context);
  }

  /** Lets its session catch up, as long as this connection has the session. */
  readOn(): boolean {
    return this.owner.readOn(this);
  }

  /** Returns whether it has been closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends what waits and the reason, and ends the transport. Idempotent. */
  close(closing: ClosingFrame): void {
    if (this.#isClosed) return;
    if (this.outbox.backlog > MAX_UNCOUNTED_BYTES && CAUSED_BY_CLIENT.has(closing.code))
      return this.overflow();
    this.#isClosed = true;
    this.outbox.close(Frame.of(closing));
    this.carrier.end(closing);
    this.#context.onEnd(this);
  }

  /** Closes at once, without what waits: the client may resume. Idempotent. */
  overflow(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.outbox.discard();
    this.carrier.end(closingFrame('stalled'));
    this.#context.onEnd(this);
  }

  /** Notes that the transport has ended by itself. Idempotent. */
  lost(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.outbox.discard();
    this.#context.onEnd(this);
  }
}
