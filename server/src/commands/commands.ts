/**
 * Takes the commands of clients to their handlers and the answers back: each takes effect once, so many of a session at a time and so many a
 * second, in order where the handler wants it, and every one is answered. What a handler does wrong ends its command and
 * nothing else.
 */
import type { CommandErrorCode } from '../../../protocol/codes.js';
import type { CommandFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { pathFault } from '../../../protocol/paths.js';
import { TOOK_TOO_LONG } from '../back-end/webhook.js';
import type { Clock } from '../core/clock.js';
import type { CommandTaker } from '../core/command-taker.js';
import type { Counters } from '../core/counters.js';
import { Frame } from '../core/frame.js';
import { isDeep } from '../core/publishing.js';
import type { Session } from '../core/session.js';
import type { TimerWheel } from '../core/timer-wheel.js';
import type { Log } from '../observe/log.js';
import { Allowance } from './allowance.js';
import type { Called, KeptAnswers } from './call-record.js';
import type { CallOutcome, Handler, Route } from './handler.js';
import { commandError, errorFrame, replyFrame } from './replies.js';
import { RunningCall } from './running-call.js';
import { SessionCalls } from './session-calls.js';

const PRUNE_MS = 30_000;

/** What commands stand on. */
export interface CommandsParts {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly counters: Counters;
  readonly log: Log;
  /** The first one that has a route takes a command. */
  readonly handlers: readonly Handler[];
  /** Commands of one session. */
  readonly maxPerSecond: number;
  readonly timeoutMs: number;
}

/** All commands of this server. */
export class Commands implements CommandTaker {
  readonly #parts: CommandsParts;
  readonly #kept: KeptAnswers = { characters: 0 };
  readonly #sessions = new Map<string, SessionCalls>();
  readonly #onDone = (call: RunningCall, outcome: CallOutcome): void => this.#done(call, outcome);
  #running = 0;
  #isStopped = false;
  #onSettled: (() => void)[] = [];

  constructor(parts: CommandsParts) {
    this.#parts = parts;
    this.#pruneLater();
  }

  /** Commands that run or wait for their turn. */
  get running(): number {
    return this.#running;
  }

  take(session: Session, frame: CommandFrame): void {
    this.#parts.counters.commands++;
    const calls = this.#callsOf(session);
    const known = calls.record.get(frame.uid);
    if (known === undefined) return this.#takeNew(session, frame, calls);
    if (!isSame(known, frame)) session.tell(errorFrame(frame.uid, commandError('uid_reused')));
    // One that runs is answered when it is done.
    else if (known.answer !== null) session.tell(new Frame(known.answer));
  }

  ended(session: Session): void {
    const calls = this.#sessions.get(session.id);
    this.#sessions.delete(session.id);
    calls?.record.clear();
    for (const call of calls?.end() ?? []) call.giveUp({ error: commandError('disconnected') });
    for (const handler of this.#parts.handlers) handler.ended?.(session);
  }

  /** Nobody is answered any more: clients ask the next server. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when nothing runs. */
  settled(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  #takeNew(session: Session, frame: CommandFrame, calls: SessionCalls): void {
    const route = this.#routeOf(frame, calls);
    if (typeof route === 'string') {
      if (route === 'too_many_commands') this.#parts.counters.commandsRefused++;
      session.tell(errorFrame(frame.uid, commandError(route)));
      return;
    }
    const { uid, path, command, args = {}, again = false } = frame;
    const called: Called = { uid, path, command, args, answer: null, answeredAt: 0 };
    calls.record.begin(called);
    this.#running++;
    const timeoutMs = Math.min(frame.timeoutMs ?? this.#parts.timeoutMs, this.#parts.timeoutMs);
    const call = new RunningCall(called, {
      session,
      calls,
      route,
      timeoutMs,
      isAgain: again,
      onDone: this.#onDone,
    });
    calls.add(call);
    // Many are done by now.
    if (!call.isDone) call.timer = this.#parts.wheel.after(timeoutMs, () => this.#tooLong(call));
  }

  #routeOf(frame: CommandFrame, calls: SessionCalls): Route | CommandErrorCode {
    if (frame.again === true && frame.idempotent !== true) return 'disconnected';
    if (!calls.allowance.take() || calls.size >= LIMITS.commandsAtATime) return 'too_many_commands';
    const fault = pathFault(frame.path);
    if (fault !== null) return fault;
    if (frame.args !== undefined && isDeep(frame.args)) return 'bad_args';
    for (const handler of this.#parts.handlers) {
      const route = handler.route(frame.path, frame.command);
      if (route !== null) return route;
    }
    return 'unknown_command';
  }

  #callsOf(session: Session): SessionCalls {
    let calls = this.#sessions.get(session.id);
    if (calls === undefined) {
      calls = new SessionCalls(new Allowance(this.#parts.maxPerSecond, this.#parts.clock), this.#kept);
      this.#sessions.set(session.id, calls);
    }
    return calls;
  }

  /** Sessions that give no more commands forget theirs too. */
  #pruneLater(): void {
    this.#parts.wheel.after(PRUNE_MS, () => {
      const now = this.#parts.clock.now();
      for (const { record } of this.#sessions.values()) record.prune(now);
      this.#pruneLater();
    });
  }

  #tooLong(call: RunningCall): void {
    const { path, command, timeoutMs, route } = call;
    this.#parts.log.warn({ handler: route.name, path, command, timeoutMs }, 'a command took too long');
    call.giveUp({ error: commandError('timeout') }, TOOK_TOO_LONG);
  }

  #done(call: RunningCall, outcome: CallOutcome): void {
    const answer = this.#answerOf(call, outcome);
    call.calls.record.answer(call.called, answer.text, this.#parts.clock.now());
    // One that has ended reads no answers.
    if (!call.session.isEnded && !this.#isStopped) call.session.tell(answer);
    call.calls.remove(call);
    this.#running--;
    if (this.#running > 0) return;
    for (const settled of this.#onSettled.splice(0)) settled();
  }

  #answerOf({ uid, route }: RunningCall, outcome: CallOutcome): Frame {
    if ('error' in outcome) return errorFrame(uid, outcome.error);
    const frame = replyFrame(uid, outcome.reply);
    if (typeof frame !== 'string') return frame;
    this.#parts.log.error({ handler: route.name, error: frame }, 'a handler failed');
    return errorFrame(uid, commandError('handler_failed'));
  }
}

/** Whether a command that comes again under a uid is the one that came before. */
function isSame(known: Called, { path, command, args = {} }: CommandFrame): boolean {
  if (known.path !== path || known.command !== command) return false;
  return JSON.stringify(known.args) === JSON.stringify(args);
}
