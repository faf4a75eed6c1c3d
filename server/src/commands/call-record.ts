/**
 * Commands that were answered, and what the answers were: a client that lost its connection asks again. Kept for a while, and bounded
 * together; the oldest go first.
 */
import { LIMITS } from '../../../protocol/limits.js';
import type { Clock } from '../core/clock.js';
import type { Frame } from '../core/frame.js';

/** One command of a session, running or answered. */
export interface Called {
  readonly sessionId: string;
  readonly uid: string;
  /** What path, command and arguments were. */
  readonly digest: string;
  /** Null while it runs. */
  answer: Frame | null;
  answeredAt: number;
}

/** Characters of all answers together; what an answer counts beyond its text. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
const ANSWER_CHARACTERS = 256;

/** The commands that are running, and the answers that are kept. */
export class CallRecord {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Map<string, Called>>();
  /** In the order of their time. */
  readonly #answered = new Set<Called>();
  #characters = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is known of a command. */
  find(sessionId: string, uid: string): Called | undefined {
    return this.#sessions.get(sessionId)?.get(uid);
  }

  /** A command begins to run. */
  begin(called: Called): void {
    const { sessionId, uid } = called;
    const known = this.#sessions.get(sessionId);
    if (known === undefined) this.#sessions.set(sessionId, new Map([[uid, called]]));
    else known.set(uid, called);
  }

  /** It was answered. */
  answer(called: Called, answer: Frame): void {
    if (this.find(called.sessionId, called.uid) !== called || called.answer !== null) return;
    called.answer = answer;
    called.answeredAt = this.#clock.now();
    this.#answered.add(called);
    this.#characters += charactersOf(answer);
    this.#prune();
  }

  /** Nothing is kept of a session that has ended. */
  forget(sessionId: string): void {
    for (const called of this.#sessions.get(sessionId)?.values() ?? []) this.#drop(called);
    this.#sessions.delete(sessionId);
  }

  #prune(): void {
    const since = this.#clock.now() - LIMITS.recordMs;
    for (const oldest of this.#answered) {
      if (oldest.answeredAt > since && this.#characters <= MAX_CHARACTERS) return;
      this.#drop(oldest);
      const rest = this.#sessions.get(oldest.sessionId);
      if (rest?.delete(oldest.uid) && rest.size === 0) this.#sessions.delete(oldest.sessionId);
    }
  }

  #drop(called: Called): void {
    if (called.answer !== null && this.#answered.delete(called))
      this.#characters -= charactersOf(called.answer);
  }
}

const charactersOf = ({ text }: Frame): number => text.length + ANSWER_CHARACTERS;
