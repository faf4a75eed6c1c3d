/**
 * One command from its coming to its answer; it is answered once, whoever is first: its handler, the clock, or the end of its
 * session. It is over when its handler is, or has had all the time that the server allows.
 */
import type { Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session/session.js';
import type { WheelTimer } from '../core/time/timer-wheel.js';
import type { CallEntry } from './call-record.js';
import type { Call, CallOutcome, Handler } from './handler.js';
import { commandError } from './replies.js';
import type { SessionCalls } from './session-calls.js';

/** Who is told of a call. */
export interface CallOwner {
  /** Once, when it is answered. */
  answered(call: RunningCall, outcome: CallOutcome): void;
  /** Once, when its handler is done, or need not be waited for any more. */
  over(): void;
}

/** What a running call belongs to. */
export interface RunningCallOptions {
  readonly session: Session;
  readonly calls: SessionCalls<RunningCall>;
  readonly handler: Handler;
  readonly args: Json;
  readonly timeoutMs: number;
  readonly isAgain: boolean;
  readonly owner: CallOwner;
}

/** Why nobody waits for an answer any more. */
export type GivenUp = 'timeout' | 'ended';

/** A command that runs, or waits for its turn. */
export class RunningCall implements Call {
  readonly called: CallEntry;
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  readonly session: Session;
  readonly calls: SessionCalls<RunningCall>;
  readonly handler: Handler;
  readonly timeoutMs: number;
  readonly isAgain: boolean;
  /** Set by whoever gives up on it, and cancelled when it is over. */
  timer: WheelTimer | null = null;
  readonly #owner: CallOwner;
  #isBegun = false;
  #isAnswered = false;
  #isOver = false;
  /** Made when somebody asks: most handlers never do. */
  #abort: AbortController | null = null;
  #reason: GivenUp | undefined;

  constructor(called: CallEntry, options: RunningCallOptions) {
    this.called = called;
    this.uid = called.uid;
    this.path = called.path;
    this.command = called.command;
    this.args = options.args;
    this.session = options.session;
    this.calls = options.calls;
    this.handler = options.handler;
    this.timeoutMs = options.timeoutMs;
    this.isAgain = options.isAgain;
    this.#owner = options.owner;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#isAnswered) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  /** Whether its handler is done with it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets its handler do it. */
  begin(): void {
    this.#isBegun = true;
    try {
      const outcome = this.handler.run(this);
      if (outcome instanceof Promise)
        void outcome.then(
          (settled) => this.#settle(settled),
          () => this.#settle(FAILED),
        );
      else this.#settle(outcome);
    } catch {
      // Handlers tell of their own failures; that they throw is a fault of ours, and must not cost more than this command.
      this.#settle(FAILED);
    }
  }

  /** Answers it in place of its handler, which is told by its signal that nobody waits any more, and by `reason` why. */
  giveUp(outcome: CallOutcome, reason: GivenUp): void {
    this.#reason = reason;
    this.#answer(outcome);
    this.#abort?.abort(reason);
    if (!this.#isBegun) this.end();
  }

  /** It is over, whatever its handler still does. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.timer?.cancel();
    this.#owner.over();
    this.calls.remove(this);
  }

  #settle(outcome: CallOutcome): void {
    this.#answer(outcome);
    this.end();
  }

  #answer(outcome: CallOutcome): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#owner.answered(this, outcome);
  }
}

const FAILED: CallOutcome = { error: commandError('handler_failed') };
