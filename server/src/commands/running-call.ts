/** One command from its coming to its answer; it is answered once, whoever is first: its handler, the clock, or the end of its session. */
import type { Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session.js';
import type { WheelTimer } from '../core/timer-wheel.js';
import type { Called } from './call-record.js';
import type { Call, CallOutcome, Route } from './handler.js';
import type { SessionCalls } from './session-calls.js';

/** What a running call belongs to. */
export interface RunningCallParts {
  readonly session: Session;
  readonly calls: SessionCalls;
  readonly route: Route;
  readonly timeoutMs: number;
  readonly isAgain: boolean;
  /** Told once, when it is answered. */
  readonly onDone: (call: RunningCall, outcome: CallOutcome) => void;
}

/** A command that runs, or waits for its turn. */
export class RunningCall implements Call {
  readonly session: Session;
  readonly calls: SessionCalls;
  readonly isAgain: boolean;
  readonly timeoutMs: number;
  readonly route: Route;
  readonly called: Called;
  timer: WheelTimer | null = null;
  readonly #onDone: RunningCallParts['onDone'];
  #isDone = false;
  /** Made when somebody asks: most handlers never do. */
  #abort: AbortController | null = null;

  constructor(called: Called, { session, calls, route, timeoutMs, isAgain, onDone }: RunningCallParts) {
    this.called = called;
    this.session = session;
    this.calls = calls;
    this.route = route;
    this.timeoutMs = timeoutMs;
    this.isAgain = isAgain;
    this.#onDone = onDone;
  }

  get uid(): string {
    return this.called.uid;
  }

  get path(): string {
    return this.called.path;
  }

  get command(): string {
    return this.called.command;
  }

  get args(): Json {
    return this.called.args;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#isDone) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** Whether it was answered. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Lets its handler do it. */
  begin(): void {
    const outcome = this.route.run(this);
    if (outcome instanceof Promise) void outcome.then((settled) => this.finish(settled));
    else this.finish(outcome);
  }

  /** Answers it; nothing happens when it was answered before. */
  finish(outcome: CallOutcome): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.timer?.cancel();
    this.#onDone(this, outcome);
  }

  /** Answers it in place of its handler, which is told by its signal that nobody waits any more, and by `reason` why. */
  giveUp(outcome: CallOutcome, reason?: symbol): void {
    this.finish(outcome);
    this.#abort?.abort(reason);
  }
}
