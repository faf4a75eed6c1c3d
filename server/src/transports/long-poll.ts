/**
 * Long-poll. Between polls the connection's outbox gathers, within its bounds; a poll takes all of it as one answer. The last answer
 * is kept until the next cursor confirms it, and repeated byte for byte when the cursor before it comes
 * again: a response that was lost loses nothing. What outlives a request keeps nothing of it: closures that do are made where no
 * request is in reach, since all closures of a function share what one of them uses.
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

const COMMA = 0x2c;

/** How frames go into the list of an answer: each with a comma before it, the first of which is cut off. */
export const longPollFraming: Framing = {
  slot: 2,
  encode: (text) => Buffer.from(`,${text}`),
  inPlace: {
    size: (text) => 1 + Buffer.byteLength(text),
    put(text, bytes, at) {
      bytes[at] = COMMA;
      bytes.write(text, at + 1);
    },
  },
};

/** Where an answer goes: a response, once. */
export type Answer = (body: Buffer) => void;

/** A response that one poll waits with. */
export interface PollExchange {
  readonly response: ServerResponse;
  readonly answer: Answer;
  readonly address: string;
}

/** The long-poll connections, by session. */
export class LongPolls {
  readonly #options: TransportOptions;
  readonly #carriers = new Map<string, LongPollCarrier>();
  /** What is kept for clients that may ask again. */
  readonly kept = new KeptAnswers();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Opens a connection whose first answer comes as soon as it is known who is asking; a refusal is the caller's to answer. */
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

  /** Connections that are kept, also those that have ended a short time ago. */
  get size(): number {
    return this.#carriers.size;
  }

  /** Whether no connection has an answer left that its client has not come for. */
  get isDrained(): boolean {
    for (const carrier of this.#carriers.values()) if (carrier.isAwaited) return false;
    return true;
  }

  /** Answers a poll now or later; an error is the caller's to answer. The ticket has been read. */
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
  /** The opening request is itself the first to be answered. */
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
  /** Frames given so far. */
  #given = 0;
  /** How the connection was ended; null while it was not. */
  closing: ClosingFrame | null = null;
  #kept: KeptPoll | null = null;
  /** Whether an answer lies here for a poll that has not come yet. */
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

  /** Takes the exchange as the one to be answered; one that waited before is answered empty. */
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
      // An answer that ended the connection has been received.
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

  /** Makes an answer of the frames; nothing more is taken until it is confirmed. */
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
    // A poll is answered before any proxy tires of it.
  }

  /** The last answer, with the closing frame, stays to be fetched as long as a session waits. */
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

  /** Between polls: when none comes the connection is lost. */
  #lingers(): void {
    this.#after(this.#options.sessionTtlMs, () => {
      this.#gone();
      this.#connection?.lost();
      const session = this.#session;
      // It has been silent for a session's time to live already.
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

/** Why a connection that has ended takes no poll: another one has its session, or none has, and its client may come back. */
function whyOver(session: Session, { number }: SessionConnection): ErrorCode {
  if (session.isEnded) return 'revoked_ticket';
  return session.connectionNumber === number ? 'unknown_session' : 'taken_over';
}
