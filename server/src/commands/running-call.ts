/**
 * One command from its coming to its answer; it is answered once, whoever is first: its handler, the clock, or the end of its
 * session. It is over when its handler is, or has had all the time that the server allows.
 */
import type { Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session.js';
import type { WheelTimer } from '../core/timer-wheel.js';
import type { Called } from './call-record.js';
import type { Call, CallOutcome, Route } from './handler.js';
import { commandError } from './replies.js';
import type { SessionCalls } from './session-calls.js';

/** What a running call belongs to. */
export interface RunningCallParts {
  readonly session: Session;
  readonly calls: SessionCalls;
  readonly route: Route;
  readonly args: Json;
  readonly timeoutMs: number;
  readonly isAgain: boolean;
  /** Told once, when it is answered. */
  readonly onAnswer: (call: RunningCall, outcome: CallOutcome) => void;
  /** Told once, when its handler is done, or need not be waited for any more. */
  readonly onOver: () => void;
}

/** A command that runs, or waits for its turn. */
export class RunningCall implements Call {
  readonly called: Called;
  timer: WheelTimer | null = null;
  readonly #parts: RunningCallParts;
  #isBegun = false;
  #isAnswered = false;
  #isOver = false;
  /** Made when somebody asks: most handlers never do. */
  #abort: AbortController | null = null;

  constructor(called: Called, parts: RunningCallParts) {
    this.called = called;
    this.#parts = parts;
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

  get session(): Session {
    return this.#parts.session;
  }

  get calls(): SessionCalls {
    return this.#parts.calls;
  }

  get route(): Route {
    return this.#parts.route;
  }

  get args(): Json {
    return this.#parts.args;
  }

  get timeoutMs(): number {
    return this.#parts.timeoutMs;
  }

  get isAgain(): boolean {
    return this.#parts.isAgain;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#isAnswered) this.#abort.abort();
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
      const outcome = this.route.run(this);
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
  giveUp(outcome: CallOutcome, reason?: symbol): void {
    this.#answer(outcome);
    this.#abort?.abort(reason);
    if (!this.#isBegun) this.end();
  }

  /** It is over, whatever its handler still does. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.timer?.cancel();
    this.#parts.onOver();
    this.calls.remove(this);
  }

  #settle(outcome: CallOutcome): void {
    this.#answer(outcome);
    this.end();
  }

  #answer(outcome: CallOutcome): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#parts.onAnswer(this, outcome);
  }
}

const FAILED: CallOutcome = { error: commandError('handler_failed') };
