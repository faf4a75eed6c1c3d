/**
 * Long-poll. Between polls the connection's outbox collects frames, within its bounds; a poll takes all of them as one
 * answer. The last answer is kept until the next cursor confirms it, and repeated for the cursor before: a lost
 * response loses nothing. What outlives a request must keep no reference to it. Its closures are made in functions
 * without the request, since all closures of a function share their variables.
 */
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../../../protocol/codes.js';
import type { ClosingFrame, OpenFrame, PollBody } from '../../../protocol/frames.js';
import type { ClientInfo } from '../core/access/identity.js';
import type { Carrier } from '../core/session/connection.js';
import type { Session, SessionConnection } from '../core/session/session.js';
import type { WheelTimer } from '../core/time/timer-wheel.js';
import type { Framing } from '../core/wire/frame.js';
import { type AnswerHolder, KeptAnswers } from './kept-answers.js';
import { type Opened, opening, refusalOf } from './opening.js';
import type { TransportOptions } from './transport-options.js';

/** Frames in the list of an answer: each has a comma before it; the first comma is cut off. */
export const longPollFraming: Framing = {
  slot: 2,
  size: (text) => 1 + Buffer.byteLength(text),
  put: (text, _position, bytes, at) => void bytes.write(`,${text}`, at),
};

/** Sends the answer of a response, once. */
export type Answer = (body: Buffer) => void;

/** The response of a waiting poll. */
export interface PollExchange {
  readonly response: ServerResponse;
  readonly answer: Answer;
  readonly address: string;
}

export class LongPolls {
  readonly #options: TransportOptions;
  readonly #carriers = new Map<string, LongPollCarrier>();
  /** Answers and connections for clients that may ask again. */
  readonly kept = new KeptAnswers();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Opens a connection; its first answer follows the authentication. The caller answers a refusal. */
  async open(
    frame: OpenFrame,
    exchange: PollExchange,
    visitor: ClientInfo | null,
  ): Promise<Exclude<Opened, { session: Session }> | null> {
    const carrier = new LongPollCarrier(this.#options, this.kept, exchange.address);
    const isGone = (): boolean => exchange.response.destroyed;
    const asked = opening(this.#options, { value: frame }, carrier, { visitor, isGone });
    const opened = asked instanceof Promise ? await asked : asked;
    if ('closing' in opened) return opened;
    if (carrier.closing !== null) return refusalOf(carrier.closing);
    const { session, connection } = opened;
    this.#carriers.set(session.id, carrier);
    carrier.begin(session, connection, this.#forgetter(session.id, carrier));
    carrier.wait(exchange);
    return null;
  }

  #forgetter(id: string, carrier: LongPollCarrier): () => void {
    return () => {
      if (this.#carriers.get(id) === carrier) this.#carriers.delete(id);
    };
  }

  /** Returns the number of connections, with those that ended a short time ago. */
  get size(): number {
    return this.#carriers.size;
  }

  /** Returns whether clients have fetched all answers. */
  get isDrained(): boolean {
    for (const carrier of this.#carriers.values()) if (carrier.isAwaited) return false;
    return true;
  }

  /** Answers a poll now or later; the caller answers a returned error. The ticket has been read. */
  poll(id: string, body: PollBody, exchange: PollExchange): ErrorCode | null {
    const carrier = this.#carriers.get(id);
    if (carrier === undefined) return 'unknown_session';
    return carrier.poll(body, exchange);
  }
}

interface KeptPoll {
  readonly before: number;
  readonly body: Buffer;
}

class LongPollCarrier implements Carrier, AnswerHolder {
  readonly framing = longPollFraming;
  readonly transport = 'long-poll';
  readonly isPolled = true;
  /** The opening request is the first to be answered. */
  readonly isBlocked = false;
  readonly isPinged = false;
  readonly isRaw = false;
  readonly address: string;
  readonly #options: TransportOptions;
  readonly #answers: KeptAnswers;
  #session: Session | null = null;
  #connection: SessionConnection | null = null;
  #onGone: (() => void) | null = null;
  #waiting: PollExchange | null = null;
  /** The number of frames sent so far. */
  #given = 0;
  /** The frame that ended the connection; null before. */
  closing: ClosingFrame | null = null;
  #kept: KeptPoll | null = null;
  /** Whether an answer waits for a poll that has not come yet. */
  isAwaited = false;
  #timer: WheelTimer | null = null;

  constructor(options: TransportOptions, answers: KeptAnswers, address: string) {
    this.#options = options;
    this.#answers = answers;
    this.address = address;
  }

  begin(session: Session, connection: SessionConnection, onGone: () => void): void {
    this.#session = session;
    this.#connection = connection;
    this.#onGone = onGone;
  }

  /** Lets the exchange wait for an answer; an exchange that waited before is answered empty. */
  wait(exchange: PollExchange): void {
    this.#answer(this.#body(Buffer.alloc(0)));
    this.#waiting = exchange;
    exchange.response.on('close', () => {
      if (this.#waiting === exchange) this.#abandoned();
    });
    this.#hold();
  }

  #hold(): void {
    this.#after(this.#options.pollHoldMs, () => this.#answer(this.#body(Buffer.alloc(0))));
  }

  poll({ connection: number, cursor }: PollBody, exchange: PollExchange): ErrorCode | null {
    const session = this.#session as Session;
    const connection = this.#connection as SessionConnection;
    if (number !== connection.number) return 'taken_over';
    if (cursor === this.#cursor(this.#given)) {
      // The client has received the answer that ended the connection.
      if (connection.isClosed) return whyOver(session, connection);
      this.#kept = null;
      this.#answers.drop(this);
      this.#options.sessions.heard(session, connection);
      this.wait(exchange);
      connection.outbox.unblock();
      return null;
    }
    if (this.#kept === null || cursor !== this.#cursor(this.#kept.before)) {
      return connection.isClosed ? whyOver(session, connection) : 'bad_cursor';
    }
    exchange.answer(this.#kept.body);
    this.isAwaited = false;
    if (!connection.isClosed) this.#lingers();
    return null;
  }

  /** Answers with the frames; takes no more until they are confirmed. */
  write(bytes: Buffer, frames: number): boolean {
    const before = this.#given;
    this.#given += frames;
    const body = this.#body(bytes);
    this.#kept = { before, body };
    this.#answers.keep(this, body.length);
    this.isAwaited = this.#waiting === null;
    this.#answer(body);
    return false;
  }

  bytesTaken(): number {
    return 0;
  }

  keepAlive(): void {
    // Polls are answered before a proxy ends them.
  }

  /** Keeps the last answer, with the closing frame, for a session's time to live. */
  end(closing: ClosingFrame): void {
    this.closing = closing;
    this.#answers.end(this);
    this.#after(this.#options.sessionTtlMs, () => this.#gone());
  }

  forgetAnswer(): void {
    this.#kept = null;
    this.isAwaited = false;
  }

  forgetEnded(): void {
    this.#timer?.cancel();
    this.#gone();
  }

  #gone(): void {
    this.#answers.gone(this);
    this.#onGone?.();
  }

  #answer(body: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    waiting.answer(body);
    this.#lingers();
  }

  #abandoned(): void {
    this.#waiting = null;
    this.#lingers();
  }

  /** Waits for the next poll; without one the connection is lost. */
  #lingers(): void {
    this.#after(this.#options.sessionTtlMs, () => {
      this.#gone();
      this.#connection?.lost();
      const session = this.#session;
      // The client has been silent for a session's time to live already.
      if (session !== null && session.connection === null) void this.#options.sessions.end(session, 'ended');
    });
  }

  #after(ms: number, task: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.wheel.after(ms, task);
  }

  #body(frames: Buffer): Buffer {
    return Buffer.concat([
      Buffer.from('{"updates":['),
      frames.subarray(1),
      Buffer.from(`],"reconnectWith":${JSON.stringify(this.#cursor(this.#given))}}`),
    ]);
  }

  #cursor(count: number): string {
    return `${this.#session?.id ?? ''}/${count}`;
  }
}

/** Returns why an ended connection takes no poll: its session has another connection, or may be resumed. */
function whyOver(session: Session, { number }: SessionConnection): ErrorCode {
  if (session.isEnded) return 'revoked_ticket';
  return session.connectionNumber === number ? 'unknown_session' : 'taken_over';
}
