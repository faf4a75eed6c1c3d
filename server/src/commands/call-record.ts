/**
 * The commands of one session: those that run, and the answers to those that were done, for a client that lost its connection and asks
 * again. Kept for a while, bounded by themselves and with those of all sessions; the oldest go first.
 */
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';

/** One command, running or answered. */
export interface Called {
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  /** The text of the frame that answered it; null while it runs. */
  answer: string | null;
  answeredAt: number;
}

/** What the answers of all sessions hold. */
export interface KeptAnswers {
  characters: number;
}

/** Of one session: a client asks again for what it had under way, which is never so much. */
const MAX_ANSWERS = 128;
const MAX_CHARACTERS = 256 * 1024;
/** Of all sessions together, but for the newest answer of each; and what an answer counts beyond its text. */
const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024;
const ANSWER_CHARACTERS = 256;

/** The commands of one session. */
export class CallRecord {
  readonly #kept: KeptAnswers;
  readonly #calls = new Map<string, Called>();
  /** Those that were answered, in the order of their time, from `#oldest` on. */
  #answered: Called[] = [];
  #oldest = 0;
  #characters = 0;

  /** `kept` is shared by all sessions. */
  constructor(kept: KeptAnswers) {
    this.#kept = kept;
  }

  /** The command of a uid. */
  get(uid: string): Called | undefined {
    return this.#calls.get(uid);
  }

  /** A command begins. */
  begin(called: Called): void {
    this.#calls.set(called.uid, called);
  }

  /** It was answered at `now`, milliseconds since 1970. */
  answer(called: Called, answer: string, now: number): void {
    if (this.#calls.get(called.uid) !== called) return;
    called.answer = answer;
    called.answeredAt = now;
    this.#answered.push(called);
    this.#count(answer.length + ANSWER_CHARACTERS);
    this.prune(now);
    while (this.#isTooMuch()) this.#dropOldest();
  }

  /** Forgets what is too old at `now`. */
  prune(now: number): void {
    const since = now - LIMITS.recordMs;
    for (let oldest = this.#answered[this.#oldest]; oldest !== undefined && oldest.answeredAt <= since; ) {
      this.#dropOldest();
      oldest = this.#answered[this.#oldest];
    }
  }

  /** Its session has ended. */
  clear(): void {
    this.#count(-this.#characters);
    this.#calls.clear();
    this.#answered = [];
    this.#oldest = 0;
  }

  #isTooMuch(): boolean {
    const count = this.#answered.length - this.#oldest;
    if (count > MAX_ANSWERS) return true;
    return count > 1 && (this.#characters > MAX_CHARACTERS || this.#kept.characters > MAX_KEPT_CHARACTERS);
  }

  #dropOldest(): void {
    const { uid, answer } = this.#answered[this.#oldest] as Called;
    this.#calls.delete(uid);
    this.#count(-((answer?.length ?? 0) + ANSWER_CHARACTERS));
    this.#oldest++;
    if (this.#oldest < MAX_ANSWERS) return;
    this.#answered = this.#answered.slice(this.#oldest);
    this.#oldest = 0;
  }

  #count(characters: number): void {
    this.#characters += characters;
    this.#kept.characters += characters;
  }
}
