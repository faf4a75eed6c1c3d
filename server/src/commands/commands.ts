/**
 * Passes commands of clients to their handlers and sends the replies. Each command takes effect once and is answered.
 * Concurrent commands and commands per second are bounded for each session; they run in order where the handler wants
 * it. A fault of a handler ends only its command.
 */
import { crc32 } from 'node:zlib';
import type { CommandErrorCode } from '../../../protocol/codes.js';
import type { CommandFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { pathFault } from '../../../protocol/paths.js';
import type { Counters } from '../core/data/counters.js';
import { textOf } from '../core/hub/draft.js';
import type { Session } from '../core/session/session.js';
import type { Feature } from '../core/sessions/features.js';
import type { Clock } from '../core/time/clock.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import { TokenBucket } from '../core/time/token-bucket.js';
import { Frame } from '../core/wire/frame.js';
import type { Log } from '../observe/log.js';
import { type CallEntry, CallRecord, type KeptAnswers } from './call-record.js';
import { checkCommand } from './command-frame.js';
import type { CallOutcome, CommandRouter, Handler } from './handler.js';
import { commandError, errorReply, type Reply, replyOf } from './replies.js';
import { type CallOwner, RunningCall, SessionCalls } from './session-calls.js';

/** The most running handlers of all sessions: one client may open very many sessions. */
export const MAX_UNFINISHED = 10_000;
/** Arguments up to this length are their own digest. */
const SHORT_CHARACTERS = 128;

/** Options of `Commands`. */
export interface CommandsOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly counters: Counters;
  readonly log: Log;
  /** The first router with a handler for a command takes it. */
  readonly routers: readonly CommandRouter[];
  /** Commands of one session per second. */
  readonly maxPerSecond: number;
  readonly timeoutMs: number;
}

/** The commands of all sessions. */
export class Commands implements Feature {
  readonly name = 'commands';
  readonly frames = {
    command: {
      check: checkCommand,
      take: (session: Session, frame: CommandFrame): void => this.#take(session, frame),
    },
  };
  readonly #options: CommandsOptions;
  readonly #kept: KeptAnswers = { characters: 0, sessions: 0 };
  readonly #sessions = new Map<string, SessionCalls>();
  readonly #owner: CallOwner = {
    answered: (call, outcome) => this.#answered(call, outcome),
    over: () => {
      this.#unfinished--;
    },
  };
  #unanswered = 0;
  /** Calls whose handlers still run, answered or not, also of ended sessions. */
  #unfinished = 0;
  #isStopped = false;
  #onSettled: (() => void)[] = [];

  constructor(options: CommandsOptions) {
    this.#options = options;
    this.#tickLater();
  }

  #take(session: Session, frame: CommandFrame): void {
    session.commanded();
    this.#options.counters.commands++;
    const digest = digestOf(frame);
    if (typeof digest !== 'string')
      return sendReply(session, errorReply(frame.uid, commandError(digest.error, { field: 'args' })));
    const calls = this.#callsOf(session);
    const known = calls.record.get(frame.uid);
    if (known === undefined) return this.#takeNew(session, frame, { digest, calls });
    if (!isSame(known, frame, digest)) sendReply(session, errorReply(frame.uid, commandError('uid_reused')));
    // A running command is answered when it is done.
    else if (known.answer !== null) sendReply(session, known.answer);
  }

  ended(session: Session): void {
    const calls = this.#sessions.get(session.id);
    this.#sessions.delete(session.id);
    calls?.record.end();
    for (const call of calls?.end() ?? []) call.giveUp({ error: commandError('disconnected') }, 'ended');
    for (const router of this.#options.routers) router.ended?.(session);
  }

  /** Begins and answers no command from now on: clients ask the next server. */
  freeze(): void {
    this.#isStopped = true;
    for (const calls of this.#sessions.values()) calls.end();
  }

  /** Resolves when no command runs. */
  settled(): Promise<void> {
    if (this.#unanswered === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  #takeNew(
    session: Session,
    frame: CommandFrame,
    { digest, calls }: { readonly digest: string; readonly calls: SessionCalls },
  ): void {
    const why = this.#whyNot(frame, calls);
    const handler = why === null ? this.#handlerOf(frame) : null;
    if (handler === null) {
      if (why === 'too_many_commands') this.#options.counters.tooManyCommands++;
      sendReply(session, errorReply(frame.uid, commandError(why ?? 'unknown_command')));
      return;
    }
    const { uid, path, command, args = {}, again: isAgain = false } = frame;
    const called: CallEntry = { uid, path, command, digest, answer: null, tick: 0 };
    calls.record.begin(called);
    this.#unanswered++;
    this.#unfinished++;
    const timeoutMs = Math.min(frame.timeoutMs ?? this.#options.timeoutMs, this.#options.timeoutMs);
    const owner = this.#owner;
    const call = new RunningCall(called, { session, calls, handler, args, timeoutMs, isAgain, owner });
    calls.add(call);
    // Many calls are done by now.
    if (!call.isOver) call.timer = this.#options.wheel.after(timeoutMs, () => this.#tooLong(call));
  }

  /** Returns why a command is refused, or null. */
  #whyNot({ again, idempotent, path }: CommandFrame, calls: SessionCalls): CommandErrorCode | null {
    if (again === true && idempotent !== true) return 'disconnected';
    if (!calls.bucket.take() || calls.size >= LIMITS.commandsAtATime) return 'too_many_commands';
    if (this.#unfinished >= MAX_UNFINISHED) return 'too_many_commands';
    return pathFault(path);
  }

  #handlerOf({ path, command }: CommandFrame): Handler | null {
    for (const router of this.#options.routers) {
      const handler = router.route(path, command);
      if (handler !== null) return handler;
    }
    return null;
  }

  #callsOf(session: Session): SessionCalls {
    let calls = this.#sessions.get(session.id);
    if (calls === undefined) {
      const bucket = new TokenBucket(this.#options.maxPerSecond, this.#options.clock);
      calls = new SessionCalls(new CallRecord(this.#kept), bucket);
      this.#sessions.set(session.id, calls);
    }
    return calls;
  }

  /** Ticks all records, also of sessions that send no more commands. */
  #tickLater(): void {
    this.#options.wheel.after(LIMITS.recordMs, () => {
      for (const { record } of this.#sessions.values()) record.tick();
      this.#tickLater();
    });
  }

  /** Answers a call after its timeout. Its handler counts as running until it is done or its longest time is over. */
  #tooLong(call: RunningCall): void {
    const { path, command, timeoutMs, handler } = call;
    this.#options.log.warn({ handler: handler.name, path, command, timeoutMs }, 'a command took too long');
    call.giveUp({ error: commandError('timeout') }, 'timeout');
    if (call.isOver) return;
    const leftMs = this.#options.timeoutMs - timeoutMs;
    if (leftMs > 0) call.timer = this.#options.wheel.after(leftMs, () => call.end());
    else call.end();
  }

  #answered(call: RunningCall, outcome: CallOutcome): void {
    const reply = this.#replyOf(call, outcome);
    call.calls.record.answer(call.called, reply);
    // An ended session reads no replies.
    if (!call.session.isEnded && !this.#isStopped) sendReply(call.session, reply);
    this.#unanswered--;
    if (this.#unanswered > 0) return;
    for (const settled of this.#onSettled.splice(0)) settled();
  }

  #replyOf({ uid, handler }: RunningCall, outcome: CallOutcome): Reply {
    if ('error' in outcome) return errorReply(uid, outcome.error);
    const reply = replyOf(uid, outcome.reply);
    if (typeof reply !== 'string') return reply;
    this.#options.log.error({ handler: handler.name, error: reply }, 'a handler failed');
    return errorReply(uid, commandError('handler_failed'));
  }
}

const sendReply = (session: Session, reply: Reply): void => session.tell(Frame.ofFeature(reply));

/** Returns whether a repeated uid names the same command. */
function isSame(known: CallEntry, { path, command }: CommandFrame, digest: string): boolean {
  return known.path === path && known.command === command && known.digest === digest;
}

/** Returns the digest of a command's arguments, or the error. Computed before a handler can change them. */
function digestOf({ args }: CommandFrame): string | { readonly error: 'bad_args' | 'too_large' } {
  const text = args === undefined ? '{}' : textOf(args);
  if (text === null) return { error: 'bad_args' };
  if (text.length <= SHORT_CHARACTERS) return text;
  if (Buffer.byteLength(text) > LIMITS.frameBytes) return { error: 'too_large' };
  return `${text.length} ${crc32(text)}`;
}
