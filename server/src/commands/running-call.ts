/** One command from its coming to its answer; it is answered once, whoever is first: its handler, the clock, or the end of its session. */
import type { CommandFrame, Json } from '../../../protocol/frames.js';
import type { Session } from '../core/session.js';
import type { WheelTimer } from '../core/timer-wheel.js';
import type { Called } from './call-record.js';
import type { Call, CallOutcome, Route } from './handler.js';

/** What a running call belongs to. */
export interface RunningCallParts {
  readonly session: Session;
  readonly route: Route;
  readonly called: Called;
  readonly timeoutMs: number;
  /** Told once, when it is answered. */
  readonly onDone: (call: RunningCall, outcome: CallOutcome) => void;
}

/** A command that runs, or waits for its turn. */
export class RunningCall implements Call {
  readonly session: Session;
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  readonly isAgain: boolean;
  readonly timeoutMs: number;
  readonly route: Route;
  readonly called: Called;
  timer: WheelTimer | null = null;
  readonly #onDone: RunningCallParts['onDone'];
  #isDone = false;
  /** Made when somebody asks: most handlers never do. */
  #abort: AbortController | null = null;

  constructor({ uid, path, command, args = {}, again = false }: CommandFrame, parts: RunningCallParts) {
    this.uid = uid;
    this.path = path;
    this.command = command;
    this.args = args;
    this.isAgain = again;
    this.session = parts.session;
    this.timeoutMs = parts.timeoutMs;
    this.route = parts.route;
    this.called = parts.called;
    this.#onDone = parts.onDone;
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
