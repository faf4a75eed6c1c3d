/**
 * The commands that have no answer yet, in the order in which they were given; that is the order in which they are
 * sent, each time. Those without a number are due: they are sent as soon as there is a connection with room. What is
 * sent again after a connection was lost, and how, is decided in `opened` alone (docs/protocol.md, "Commands").
 */
import type { ErrorFrame, Json, OpenedFrame, ReplyFrame } from '../../../protocol/frames.js';
import { fits, isString, optional } from '../checks.js';
import type { Core } from '../features.js';
import { Call, UNKNOWN_OUTCOME } from './call.js';
import { type CheckedRequest, CommandError, type CommandRequest, checked } from './request.js';

/** The message of the error `closed`. */
export const CLOSED = 'This Pomona is closed.';
/** The most commands that may be without an answer; more of them, or so many bytes, are refused. */
export const MAX_CALLS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

const ERROR = { code: isString, message: isString, field: optional(isString), reason: optional(isString) };

/** The commands of one Pomona. */
export class Calls {
  readonly #core: Core;
  /** By uid. */
  readonly #calls = new Map<string, Call>();
  /** Makes uids differ from those of other Pomonas. */
  readonly #prefix: string;
  #count = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#prefix = core.settings.random().toString(36).slice(2, 12);
  }

  /** Gives a command. The promise is for its reply; it rejects with a CommandError, or the reason of the signal. */
  async send(given: CommandRequest): Promise<Json> {
    const request = checked(given);
    request.options.signal?.throwIfAborted();
    const { state } = this.#core.session;
    if (state === 'closed') throw new CommandError('closed', CLOSED, request);
    if (this.#isFullFor(request))
      throw new CommandError('outstanding_full', 'Too much has no answer.', request);
    return new Promise((resolve, reject) => {
      const uid = `${this.#prefix}.${++this.#count}`;
      const { clock } = this.#core.settings;
      const over = (): void => void this.#calls.delete(uid);
      this.#calls.set(uid, new Call(uid, request, { clock, resolve, reject, over }));
      if (state === 'open') this.flush();
    });
  }

  /** A connection has opened, of the same session or of another. */
  opened({ isNew, received, forgot }: OpenedFrame & { readonly isNew: boolean }): void {
    for (const call of this.#calls.values()) {
      // One that the server says it has not had is as good as never sent, whatever becomes of the session later.
      if (call.n > 0 && (isNew || forgot || call.n <= received)) call.again = true;
      call.n = 0;
      if (isNew && call.again && !call.request.options.idempotent)
        call.fail('disconnected', `The session has ended: ${UNKNOWN_OUTCOME}`);
    }
  }

  /** An answer comes; of a command that is over it is left alone. */
  reply(frame: ReplyFrame): void {
    if (!isReply(frame)) return this.#core.fail('bad_answer', 'Dobby sent no reply');
    const call = this.#calls.get(frame.uid);
    if (call === undefined) return;
    // The answer to one that was sent again may be that to what an older connection carried.
    if (!call.again) this.#core.accepted(call.n);
    if ('error' in frame) {
      const { code, message, ...more } = frame.error;
      call.fail(code, message, more);
    } else call.succeed(frame.reply);
  }

  /** A frame was refused; says whether it was that of a command, which is over now. */
  refused({ n, code, message, field }: ErrorFrame): boolean {
    const call = n && [...this.#calls.values()].find((carried) => carried.n === n);
    // A jump of numbers is no fault of the command: a new connection is opened, and it is sent again.
    if (!call || code === 'bad_sequence') return false;
    this.#core.accepted(call.n);
    call.fail(code, message, { field });
    return true;
  }

  /** There is no reply to any command. */
  failAll(code: 'closed' | 'disconnected', message: string): void {
    for (const call of this.#calls.values()) call.fail(code, message);
  }

  /** Sends what is due on the open connection. */
  flush(): void {
    try {
      for (const call of this.#calls.values()) {
        if (call.n > 0) continue;
        if (call.leftMs > 0) call.n = this.#core.send(call.frame);
        else call.expire(); // its timer slept with the machine
      }
    } catch {
      // The core holds as many frames as it may: an answer or a ping makes room, and nothing overtakes what waits.
    }
  }

  #isFullFor({ bytes }: CheckedRequest): boolean {
    const held = [...this.#calls.values()].reduce((sum, { request }) => sum + request.bytes, bytes);
    return this.#calls.size >= MAX_CALLS || held > MAX_BYTES;
  }
}

const isReply = (frame: { readonly uid: unknown }): boolean =>
  isString(frame.uid) && ('error' in frame ? fits(frame.error, ERROR) : 'reply' in frame);
