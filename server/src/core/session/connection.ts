/** One live transport of a session. It is closed once, by either side, and tells its last frame first. */
import { CLOSE_CODES, type CloseName, ERRORS } from '../../../../protocol/codes.js';
import type { ClosingFrame } from '../../../../protocol/frames.js';
import type { Backlogs } from '../wire/backlog.js';
import type { Flusher } from '../wire/flusher.js';
import { Frame } from '../wire/frame.js';
import type { Counted } from '../wire/frame-rate.js';
import { Outbox, type OutboxBounds, type Source, type Wire } from '../wire/outbox.js';

/** The transports by name. */
export type TransportName = 'websocket' | 'event-stream' | 'long-poll';

/** What a transport gives to core: where bytes go, and how it ends. */
export interface Carrier extends Wire {
  readonly transport: TransportName;
  /** The client's address, for lists. */
  readonly address: string;
  /** Whether nothing can be written yet, as before the first poll. */
  readonly isBlocked: boolean;
  /** Whether `ping` frames are sent on it and answered. */
  readonly isPinged: boolean;
  /** Whether the server keeps a ticket for whom it carries: raw streams cannot resume. */
  readonly isRaw: boolean;
  /** Called at each ping interval where no ping is sent: keeps proxies awake. */
  keepAlive(): void;
  /** Ends it, after all that was written. Idempotent. */
  end(closing: ClosingFrame): void;
  /** Bytes taken by the socket so far, to tell a stalled one; it only rises. */
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

/** Larger backlogs are dropped at such a close: they would stay in the socket for seconds without being counted. */
const MAX_UNCOUNTED_BYTES = 64 * 1024;

/** The last frame of a connection. */
export function closingFrame(
  name: CloseName,
  more: Partial<Pick<ClosingFrame, 'error' | 'attempt' | 'reconnectAfterMs'>> = {},
): ClosingFrame {
  const message = more.error === undefined ? REASONS[name] : ERRORS[more.error].message;
  return { type: 'closing', code: CLOSE_CODES[name], message, ...more };
}

/** The session that has a connection, as far as the connection needs it. */
export interface ConnectionOwner {
  /** The number of its newest connection. */
  readonly connectionNumber: number;
  /** Puts what it has to catch up into the outbox of its own connection; true when more is left. */
  readOn(connection: Connection): boolean;
}

/** What connections share. */
export interface ConnectionOptions<Owner extends ConnectionOwner = ConnectionOwner> {
  readonly flusher: Flusher;
  readonly backlogs: Backlogs;
  readonly bounds: OutboxBounds;
  /** Called once for each, when it is closed or lost. */
  onEnd(connection: Connection<Owner>): void;
}

/** A session's connection. */
export class Connection<Owner extends ConnectionOwner = ConnectionOwner> implements Source {
  readonly owner: Owner;
  readonly carrier: Carrier;
  readonly number: number;
  readonly outbox: Outbox;
  /** Whether nothing was heard since the last ping. */
  isPingUnanswered = false;
  /** Its place with the watch over dead connections, below 0 for none, and when it is pinged next, on the monotonic clock. */
  bucket = 0;
  index = -1;
  pingDueAt = 0;
  /** For the watch over stalled sockets: what it had taken, and since when no more. */
  taken = 0;
  takenAt = 0;
  /** What was posted on it; null before the first. */
  posted: Counted | null = null;
  readonly #options: ConnectionOptions<Owner>;
  #isClosed = false;

  /** The next connection of `owner`; it has the session when `attach` gives it. */
  constructor(owner: Owner, carrier: Carrier, options: ConnectionOptions<Owner>) {
    this.owner = owner;
    this.carrier = carrier;
    this.number = owner.connectionNumber + 1;
    this.#options = options;
    const { isBlocked } = carrier;
    const { bounds, backlogs } = options;
    this.outbox = new Outbox(options.flusher, carrier, { bounds, source: this, isBlocked, backlogs });
  }

  /** What its session has behind, as long as this is the connection that has the session. */
  readOn(): boolean {
    return this.owner.readOn(this);
  }

  /** Whether it has been closed. */
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
    this.#options.onEnd(this);
  }

  /** Closes it at once, without what waits: its client may resume. Idempotent. */
  overflow(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.outbox.discard();
    this.carrier.end(closingFrame('stalled'));
    this.#options.onEnd(this);
  }

  /** The transport has ended by itself. Idempotent. */
  lost(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.outbox.discard();
    this.#options.onEnd(this);
  }
}
