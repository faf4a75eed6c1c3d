/**
 * One command from `send` until its promise is settled. However that comes about, its timer and its listener
 * go with it, and its owner is told.
 */
import type { CommandFrame, Json } from '../../../protocol/frames.js';
import type { Clock } from '../clock.js';
import type { PomonaErrorCode } from '../errors.js';
import type { Numberable } from '../outstanding.js';
import { type CheckedRequest, CommandError, type CommandErrorDetail } from './request.js';

const TIMEOUT_MS = 30_000;
/** How the message of an error ends when the server may have done the command. */
export const UNKNOWN_OUTCOME = 'whether it was done is not known.';

type Frame = { [Name in keyof Omit<CommandFrame, 'n'>]: CommandFrame[Name] | undefined };

/** What a call tells. */
export interface CallOwner {
  readonly clock: Clock;
  resolve(reply: Json): void;
  reject(reason: unknown): void;
  /** It is over: the promise is about to be settled. */
  over(): void;
}

/** A command that has no answer yet. */
export class Call {
  readonly uid: string;
  readonly request: CheckedRequest;
  /** The number that it travels under on this connection; 0 while it is to be sent. */
  n = 0;
  /** Whether the server may have had it: then a server that does not know it must not take it for new. */
  again = false;
  readonly #owner: CallOwner;
  readonly #deadline: number;
  readonly #timer: unknown;
  readonly #abort = (): void => this.#reject(this.request.options.signal?.reason);

  /** Time runs from here. */
  constructor(uid: string, request: CheckedRequest, owner: CallOwner) {
    const { timeoutMs = TIMEOUT_MS, signal } = request.options;
    this.uid = uid;
    this.request = request;
    this.#owner = owner;
    this.#deadline = owner.clock.now() + timeoutMs;
    this.#timer = owner.clock.setTimeout(() => this.expire(), timeoutMs);
    signal?.addEventListener('abort', this.#abort);
  }

  /** How long its caller still waits, in milliseconds; not above 0 when it is too late to send it. */
  get leftMs(): number {
    return Math.ceil(this.#deadline - this.#owner.clock.now());
  }

  /** How it is sent now. */
  get frame(): Numberable {
    const { path, command, args, options } = this.request;
    return {
      type: 'command',
      uid: this.uid,
      path,
      command,
      args,
      again: this.again || undefined, // JSON leaves out what is undefined
      idempotent: options.idempotent,
      timeoutMs: this.leftMs,
    } satisfies Frame;
  }

  /** The answer has come. */
  succeed(reply: Json): void {
    this.#end();
    this.#owner.resolve(reply);
  }

  /** There will be no reply. */
  fail(code: PomonaErrorCode, message: string, more?: Omit<CommandErrorDetail, 'path' | 'command'>): void {
    const { path, command } = this.request;
    this.#reject(new CommandError(code, message, { ...more, path, command }));
  }

  /** Its time is over. */
  expire(): void {
    const wasSent = this.n > 0 || this.again;
    const outcome = wasSent ? UNKNOWN_OUTCOME : 'it was never sent.';
    this.fail('timeout', `The command was not answered in time: ${outcome}`);
  }

  #reject(reason: unknown): void {
    this.#end();
    this.#owner.reject(reason);
  }

  #end(): void {
    this.#owner.clock.clearTimeout(this.#timer);
    this.request.options.signal?.removeEventListener('abort', this.#abort);
    this.#owner.over();
  }
}
