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
import { LinkedMap } from '../core/data/linked-map.js';
import { mapAnswer } from '../core/data/maybe-promise.js';
import type { Carrier } from '../core/session/connection.js';
import type { SessionConnection } from '../core/session/session.js';
import type { WheelTimer } from '../core/time/timer-wheel.js';
import { type Encoding, textFraming } from '../core/wire/encoding.js';
import { DOBBY } from './dobby-dialect.js';
import { opening, type Refused, refusalOf } from './opening.js';
import type { TransportOptions } from './transport-options.js';

/** Frames in the list of an answer: each has a comma before it; the first comma is cut off. */
export const LONG_POLL: Encoding = {
  writer: DOBBY,
  framing: textFraming((text) => `,${text}`),
};

/** The response of a waiting poll. */
export interface PollExchange {
  readonly response: ServerResponse;
  /** Sends the answer, once. */
  readonly answer: (body: Buffer) => void;
}

/** The client of a long-poll connection; `visitor` is what the back end learns of it. */
export interface PollClient {
  readonly address: string;
  readonly visitor: ClientInfo | null;
}

/** The most bytes of all kept answers. */
export const MAX_KEPT_ANSWER_BYTES = 4 * 1024 * 1024;
/** The most ended connections whose last answer may still be fetched. */
export const MAX_ENDED_POLLS = 10_000;
/** Bytes of an answer beside its text. */
const ANSWER_BYTES = 512;

/**
 * All long-poll connections, and what their clients may ask for again: the last answer of each, and ended connections.
 * Both are bounded, in bytes and in number; the oldest are dropped first. Their clients open again with their positions
 * and lose nothing.
 */
export class LongPolls {
  readonly options: TransportOptions;
  readonly #carriers = new Map<string, LongPollCarrier>();
  readonly #answers = new LinkedMap<LongPollCarrier, number>();
  readonly #ended = new LinkedMap<LongPollCarrier, true>();
  #answerBytes = 0;

  constructor(options: TransportOptions) {
    this.options = options;
  }

  /** Opens a connection; its first answer follows the authentication. The caller answers a refusal. */
  async open(
    frame: OpenFrame,
    exchange: PollExchange,
    { address, visitor }: PollClient,
  ): Promise<Refused | null> {
    const carrier = new LongPollCarrier(this, address);
    const isGone = (): boolean => exchange.response.destroyed;
    const outcome = opening(this.options, { value: frame }, carrier, { visitor, isGone });
    // At once where nothing is asked: what is written before `begin` would be an answer that nothing awaits.
    return mapAnswer(outcome, (opened) => {
      if ('closing' in opened) return opened;
      if (carrier.closing !== null) return refusalOf(carrier.closing);
      this.#carriers.set(opened.session.id, carrier);
      carrier.begin(opened.connection, exchange);
      return null;
    });
  }

  /** Returns the numbers of what is kept, ended connections included. */
  get sizes(): { readonly connections: number; readonly ended: number; readonly answerBytes: number } {
    return {
      connections: this.#carriers.size,
      ended: this.#ended.size,
      answerBytes: this.#answerBytes,
    };
  }

  /** Returns whether clients have fetched all answers. */
  get isDrained(): boolean {
    for (const carrier of this.#carriers.values()) if (carrier.isAwaited) return false;
    return true;
  }

  /** Answers a poll now or later; the caller answers a returned error. The ticket has been read. */
  poll(id: string, body: PollBody, exchange: PollExchange): ErrorCode | null {
    const carrier = this.#carriers.get(id);
    return carrier === undefined ? 'unknown_session' : carrier.poll(body, exchange);
  }

  /** Counts the answer of a connection in place of its last one; without room the oldest are dropped. */
  keepAnswer(carrier: LongPollCarrier, bytes: number): void {
    this.dropAnswer(carrier);
    this.#answers.set(carrier, bytes + ANSWER_BYTES);
    this.#answerBytes += bytes + ANSWER_BYTES;
    for (let oldest = this.#answers.oldest; oldest !== undefined; oldest = this.#answers.oldest) {
      if (this.#answerBytes <= MAX_KEPT_ANSWER_BYTES || oldest[0] === carrier) return;
      oldest[0].forgetAnswer();
    }
  }

  /** Stops counting the answer of a connection. */
  dropAnswer(carrier: LongPollCarrier): void {
    this.#answerBytes -= this.#answers.get(carrier) ?? 0;
    this.#answers.delete(carrier);
  }

  /** Keeps a connection that has ended; without room the oldest is dropped. */
  keepEnded(carrier: LongPollCarrier): void {
    this.#ended.set(carrier, true);
    if (this.#ended.size > MAX_ENDED_POLLS) this.#ended.oldest?.[0].gone();
  }

  /** Removes a connection. */
  remove(carrier: LongPollCarrier, id: string): void {
    this.dropAnswer(carrier);
    this.#ended.delete(carrier);
    if (this.#carriers.get(id) === carrier) this.#carriers.delete(id);
  }
}

class LongPollCarrier implements Carrier {
  readonly encoding = LONG_POLL;
  readonly transport = 'long-poll';
  readonly isPolled = true;
  /** The opening request is the first to be answered. */
  readonly isBlocked = false;
  readonly isPinged = false;
  readonly isRaw = false;
  readonly address: string;
  readonly #polls: LongPolls;
  #connection: SessionConnection | null = null;
  #waiting: PollExchange | null = null;
  /** The number of frames sent so far. */
  #given = 0;
  /** The frame that ended the connection; null before. */
  closing: ClosingFrame | null = null;
  /** The last answer, and the number of frames sent before it. */
  #kept: { readonly before: number; readonly body: Buffer } | null = null;
  /** Whether an answer waits for a poll that has not come yet. */
  isAwaited = false;
  #timer: WheelTimer | null = null;

  constructor(polls: LongPolls, address: string) {
    this.#polls = polls;
    this.address = address;
  }

  /** Answers the opening request, `exchange`, with the first frames. */
  begin(connection: SessionConnection, exchange: PollExchange): void {
    this.#connection = connection;
    this.#wait(exchange);
  }

  /** Lets the exchange wait for an answer; an exchange that waited before is answered empty. */
  #wait(exchange: PollExchange): void {
    this.#answer();
    this.#waiting = exchange;
    exchange.response.on('close', () => {
      if (this.#waiting !== exchange) return;
      this.#waiting = null;
      this.#lingers();
    });
    this.#hold();
  }

  #hold(): void {
    this.#after(this.#polls.options.pollHoldMs, () => this.#answer());
  }

  poll({ connection: number, cursor }: PollBody, exchange: PollExchange): ErrorCode | null {
    const connection = this.#connection as SessionConnection;
    if (number !== connection.number) return 'taken_over';
    if (cursor === this.#cursor(this.#given)) {
      // The client has received the answer that ended the connection.
      if (connection.isClosed) return whyOver(connection);
      this.forgetAnswer();
      this.#polls.options.sessions.heard(connection.owner, connection);
      this.#wait(exchange);
      connection.outbox.unblock();
      return null;
    }
    if (this.#kept === null || cursor !== this.#cursor(this.#kept.before)) {
      return connection.isClosed ? whyOver(connection) : 'bad_cursor';
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
    this.#polls.keepAnswer(this, body.length);
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
    this.#polls.keepEnded(this);
    this.#after(this.#polls.options.sessionTtlMs, () => this.gone());
  }

  /** Drops its last answer, which the client has received, or for which there is no room. */
  forgetAnswer(): void {
    this.#kept = null;
    this.isAwaited = false;
    this.#polls.dropAnswer(this);
  }

  /** Drops it: no client asks for it any more. */
  gone(): void {
    this.#timer?.cancel();
    this.#polls.remove(this, this.#connection?.owner.id ?? '');
  }

  #answer(body?: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    waiting.answer(body ?? this.#body(Buffer.alloc(0)));
    this.#lingers();
  }

  /** Waits for the next poll; without one the connection is lost. */
  #lingers(): void {
    this.#after(this.#polls.options.sessionTtlMs, () => {
      const connection = this.#connection as SessionConnection;
      const { owner } = connection;
      this.gone();
      connection.lost();
      // The client has been silent for a session's time to live already.
      if (owner.connection === null) void this.#polls.options.sessions.end(owner, 'ended');
    });
  }

  #after(ms: number, task: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#polls.options.wheel.after(ms, task);
  }

  #body(frames: Buffer): Buffer {
    return Buffer.concat([
      Buffer.from('{"updates":['),
      frames.subarray(1),
      Buffer.from(`],"reconnectWith":${JSON.stringify(this.#cursor(this.#given))}}`),
    ]);
  }

  #cursor(count: number): string {
    return `${this.#connection?.owner.id ?? ''}/${count}`;
  }
}

/** Returns why an ended connection takes no poll: its session has another connection, or may be resumed. */
function whyOver({ owner, number }: SessionConnection): ErrorCode {
  if (owner.isEnded) return 'revoked_ticket';
  return owner.connectionNumber === number ? 'unknown_session' : 'taken_over';
}
