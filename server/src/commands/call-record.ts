/**
 * The commands of one session: those that run, and the answers to those that were done, for a client that lost its connection and asks
 * again. Kept for a while, bounded by themselves and with those of all sessions; the oldest go first.
 */
import { LIMITS } from '../../../protocol/limits.js';

/** One command, running or answered. */
export interface Called {
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  /** Tells its arguments from others. */
  readonly digest: string;
  /** The text of the frame that answered it; null while it runs. */
  answer: string | null;
  answeredAt: number;
}

/** What the answers of all sessions hold. */
export interface KeptAnswers {
  characters: number;
  sessions: number;
}

/** Of one session: a client asks again for what it had under way, and that is never so much. */
const MAX_CHARACTERS = 2 * LIMITS.commandsAtATime * LIMITS.messageBytes;
/** When all sessions together have more, each is left its share, and those that have more lose what is theirs beyond it. */
const MAX_KEPT_CHARACTERS = 32 * 1024 * 1024;
/** What an answer counts beyond its text. */
const ANSWER_CHARACTERS = 512;
/** Places of answers that are gone are cut off when there are so many. */
const COMPACT_AT = 128;

/** The commands of one session. */
export class CallRecord {
  readonly #kept: KeptAnswers;
  readonly #maxAnswers: number;
  readonly #calls = new Map<string, Called>();
  /** Those that were answered, in the order of their time, from `#oldest` on. */
  #answered: (Called | null)[] = [];
  #oldest = 0;
  #characters = 0;

  /** `kept` is shared by all sessions; `maxAnswers` may be kept of this one. */
  constructor(kept: KeptAnswers, maxAnswers: number) {
    this.#kept = kept;
    this.#maxAnswers = maxAnswers;
    kept.sessions++;
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
    for (let oldest = this.#answered[this.#oldest]; oldest && oldest.answeredAt <= since; ) {
      this.#dropOldest();
      oldest = this.#answered[this.#oldest];
    }
  }

  /** Its session has ended; called once. */
  clear(): void {
    this.#count(-this.#characters);
    this.#kept.sessions--;
    this.#calls.clear();
    this.#answered = [];
    this.#oldest = 0;
  }

  #isTooMuch(): boolean {
    const count = this.#answered.length - this.#oldest;
    if (count > this.#maxAnswers) return true;
    const { characters, sessions } = this.#kept;
    const share = characters <= MAX_KEPT_CHARACTERS ? MAX_CHARACTERS : MAX_KEPT_CHARACTERS / sessions;
    return count > 1 && this.#characters > Math.min(share, MAX_CHARACTERS);
  }

  #dropOldest(): void {
    const { uid, answer } = this.#answered[this.#oldest] as Called;
    this.#calls.delete(uid);
    this.#count(-((answer?.length ?? 0) + ANSWER_CHARACTERS));
    this.#answered[this.#oldest] = null;
    this.#oldest++;
    if (this.#oldest < COMPACT_AT || 2 * this.#oldest < this.#answered.length) return;
    this.#answered = this.#answered.slice(this.#oldest);
    this.#oldest = 0;
  }

  #count(characters: number): void {
    this.#characters += characters;
    this.#kept.characters += characters;
  }
}
