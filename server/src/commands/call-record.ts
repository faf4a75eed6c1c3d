/**
 * The commands of one session: those that run, and the answers to those that were done, for a client that lost its connection and asks
 * again. When there are too many, half of the answers go at once, those of the oldest commands.
 */
import { LIMITS } from '../../../protocol/limits.js';

/** One command, running or answered. */
export interface CallEntry {
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  /** Tells its arguments from others. */
  readonly digest: string;
  /** The text of the frame that answered it; null while it runs. */
  answer: string | null;
  /** How often the record had ticked when it was answered. */
  tick: number;
}

/** What the answers of all sessions hold. */
export interface KeptAnswers {
  characters: number;
  sessions: number;
}

/** What is left when some go. A client asks again for what it had under way: so many at a time, and what was on its way back. */
const LEAST_ANSWERS = 128;
const LEAST_CHARACTERS = LIMITS.commandsAtATime * LIMITS.messageBytes;
/** When all sessions together have more, each is left its share. */
export const MAX_KEPT_CHARACTERS = 32 * 1024 * 1024;
/** What an answer counts beyond its text. */
const ANSWER_CHARACTERS = 512;

/** The commands of one session. */
export class CallRecord {
  readonly #kept: KeptAnswers;
  /** In the order of their coming. */
  readonly #calls = new Map<string, CallEntry>();
  #answered = 0;
  #characters = 0;
  #ticks = 0;
  #isEnded = false;

  /** `kept` is shared by all sessions. */
  constructor(kept: KeptAnswers) {
    this.#kept = kept;
    kept.sessions++;
  }

  /** The command of a uid. */
  get(uid: string): CallEntry | undefined {
    return this.#calls.get(uid);
  }

  /** A command begins. */
  begin(called: CallEntry): void {
    this.#calls.set(called.uid, called);
  }

  /** It was answered; nothing is kept when its session has ended. */
  answer(called: CallEntry, answer: string): void {
    if (this.#isEnded) return;
    called.answer = answer;
    called.tick = this.#ticks;
    this.#answered++;
    this.#count(sizeOf(answer));
    const least = this.#leastCharacters;
    if (this.#answered >= 2 * LEAST_ANSWERS || this.#characters > 2 * least) this.#shrink(least);
  }

  /** Time has passed: what was answered before the last tick is forgotten. */
  tick(): void {
    for (const called of this.#calls.values()) {
      if (called.answer !== null && called.tick < this.#ticks) this.#forget(called);
    }
    this.#ticks++;
  }

  /** Its session has ended; called once. */
  end(): void {
    this.#isEnded = true;
    this.#count(-this.#characters);
    this.#kept.sessions--;
    this.#calls.clear();
  }

  #shrink(leastCharacters: number): void {
    for (const called of this.#calls.values()) {
      if (this.#answered <= LEAST_ANSWERS && this.#characters <= leastCharacters) return;
      if (this.#answered === 1) return;
      if (called.answer !== null) this.#forget(called);
    }
  }

  #forget({ uid, answer }: CallEntry): void {
    this.#calls.delete(uid);
    this.#answered--;
    this.#count(-sizeOf(answer ?? ''));
  }

  #count(characters: number): void {
    this.#characters += characters;
    this.#kept.characters += characters;
  }

  get #leastCharacters(): number {
    const { characters, sessions } = this.#kept;
    if (characters <= MAX_KEPT_CHARACTERS) return LEAST_CHARACTERS;
    return Math.min(MAX_KEPT_CHARACTERS / (2 * sessions), LEAST_CHARACTERS);
  }
}

const sizeOf = (answer: string): number => answer.length + ANSWER_CHARACTERS;
