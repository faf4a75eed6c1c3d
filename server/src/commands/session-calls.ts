/** The running commands of one session: how many there are, how many a second, and which wait for each other. */
import type { Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session/session.js';
import type { WheelTimer } from '../core/time/timer-wheel.js';
import type { TokenBucket } from '../core/time/token-bucket.js';
import type { CallEntry, CallRecord } from './call-record.js';
import type { Call, CallOutcome, Handler } from './handler.js';
import { commandError } from './replies.js';

/** Observes a call. */
export interface CallOwner {
  /** Called once, when the call is answered. */
  answered(call: RunningCall, outcome: CallOutcome): void;
  /** Called once, when the handler is done or is not awaited any more. */
  over(): void;
}

/** Options of `RunningCall`. */
type RunningCallOptions = Pick<
  RunningCall,
  'session' | 'calls' | 'handler' | 'args' | 'timeoutMs' | 'isAgain'
> & { readonly owner: CallOwner };

/**
 * One command from its arrival to its reply. It is answered once: by its handler, at its timeout, or at the end of its
 * session. It is over when its handler is done or has had the longest time that the server allows.
 */
export class RunningCall implements Call {
  readonly called: CallEntry;
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  readonly session: Session;
  readonly calls: SessionCalls;
  readonly handler: Handler;
  readonly timeoutMs: number;
  readonly isAgain: boolean;
  /** The timer of its timeout, set by `Commands` and cancelled when the call is over. */
  timer: WheelTimer | null = null;
  readonly #owner: CallOwner;
  #isBegun = false;
  #isAnswered = false;
  #isOver = false;
  /** Made at its first use: most handlers never use it. */
  #abort: AbortController | null = null;
  /** Why the reply is not awaited any more. */
  #reason: 'timeout' | 'ended' | undefined;

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

  /** Returns whether the call is over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Runs the handler. */
  begin(): void {
    this.#isBegun = true;
    try {
      const outcome = this.handler.run(this);
      if (!(outcome instanceof Promise)) return this.#settle(outcome);
      void outcome.then(
        (settled) => this.#settle(settled),
        () => this.#settle(FAILED),
      );
    } catch {
      // Handlers return their failures. One that throws is a fault of Dobby, and must cost only this command.
      this.#settle(FAILED);
    }
  }

  /** Answers in place of the handler, and aborts the handler's signal with `reason`. */
  giveUp(outcome: CallOutcome, reason: 'timeout' | 'ended'): void {
    this.#reason = reason;
    this.#answer(outcome);
    this.#abort?.abort(reason);
    if (!this.#isBegun) this.end();
  }

  /** Ends the call, whether or not its handler still runs. */
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

/** Bounds and orders the calls of a session. */
export class SessionCalls {
  readonly record: CallRecord;
  readonly bucket: TokenBucket;
  readonly #calls = new Set<RunningCall>();
  /** Ordered calls by path; the first one runs. */
  readonly #lines = new Map<string, RunningCall[]>();

  constructor(record: CallRecord, bucket: TokenBucket) {
    this.record = record;
    this.bucket = bucket;
  }

  /** Returns the number of commands that run or wait, answered or not. */
  get size(): number {
    return this.#calls.size;
  }

  /** Begins no call from now on; returns the unfinished ones. */
  end(): readonly RunningCall[] {
    this.#lines.clear();
    return [...this.#calls];
  }

  /** Begins a call, or queues it. */
  add(call: RunningCall): void {
    if (!call.handler.isOrdered) {
      call.begin();
      // Many calls are done by now.
      if (!call.isOver) this.#calls.add(call);
      return;
    }
    this.#calls.add(call);
    const line = this.#lines.get(call.path);
    if (line !== undefined) return void line.push(call);
    this.#lines.set(call.path, [call]);
    call.begin();
  }

  /** Removes a call that is over; the next one in its queue begins. */
  remove(call: RunningCall): void {
    this.#calls.delete(call);
    const line = call.handler.isOrdered ? this.#lines.get(call.path) : undefined;
    if (line === undefined) return;
    const isFirst = line[0] === call;
    line.splice(line.indexOf(call), 1);
    if (line.length === 0) this.#lines.delete(call.path);
    else if (isFirst) line[0]?.begin();
  }
}
