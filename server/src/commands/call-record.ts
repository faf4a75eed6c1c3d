/**
 * The commands of one session: running ones, and the replies to answered ones for a client that has lost its connection
 * and asks again. Beyond a bound, replies to the oldest commands are dropped, half of them at once.
 */
import { LIMITS } from '../../../protocol/limits.js';
import type { Reply } from './replies.js';

/** A running or answered command. */
export interface CallEntry {
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  /** Distinguishes its arguments from others. */
  readonly digest: string;
  /** Null while the command runs. */
  answer: Reply | null;
  /** The number of ticks when it was answered. */
  tick: number;
}

/** The size of the replies of all sessions. */
export interface KeptAnswers {
  characters: number;
  sessions: number;
}

/** The replies that always remain: as many as one client may await, with those on their way. */
const LEAST_ANSWERS = 128;
const LEAST_CHARACTERS = LIMITS.commandsAtATime * LIMITS.messageBytes;
/** Above this size of all replies, each session keeps an equal share. */
export const MAX_KEPT_CHARACTERS = 32 * 1024 * 1024;
/** Characters of a reply beside its text. */
const ANSWER_CHARACTERS = 512;

export class CallRecord {
  readonly #kept: KeptAnswers;
  /** In the order of arrival. */
  readonly #calls = new Map<string, CallEntry>();
  #answered = 0;
  #characters = 0;
  #ticks = 0;
  #isEnded = false;

  constructor(kept: KeptAnswers) {
    this.#kept = kept;
    kept.sessions++;
  }

  /** Returns the command of a uid. */
  get(uid: string): CallEntry | undefined {
    return this.#calls.get(uid);
  }

  /** Adds a command that begins. */
  begin(called: CallEntry): void {
    this.#calls.set(called.uid, called);
  }

  /** Stores the reply to a command, unless the session has ended. */
  answer(called: CallEntry, answer: Reply): void {
    if (this.#isEnded) return;
    called.answer = answer;
    called.tick = this.#ticks;
    this.#answered++;
    this.#count(sizeOf(answer));
    const least = this.#leastCharacters;
    if (this.#answered >= 2 * LEAST_ANSWERS || this.#characters > 2 * least) this.#shrink(least);
  }

  /** Forgets commands that were answered before the last tick. */
  tick(): void {
    for (const called of this.#calls.values()) {
      if (called.answer !== null && called.tick < this.#ticks) this.#forget(called);
    }
    this.#ticks++;
  }

  /** Releases everything at the end of the session. Called once. */
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
    if (answer !== null) this.#count(-sizeOf(answer));
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

const sizeOf = ({ text }: Reply): number => text.length + ANSWER_CHARACTERS;
