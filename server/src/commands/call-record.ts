/**
 * The commands of one session: those that run, and the answers to those that were done, for a client that lost its connection and asks
 * again. Answers are kept by generations, so that none has to be looked for to be forgotten: when the young one is full the old one
 * goes and the young one becomes old.
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
}

/** What the answers of all sessions hold. */
export interface KeptAnswers {
  characters: number;
  sessions: number;
}

/** Of one generation. A client asks again for what it had under way: so many at a time, and what was on its way back. */
const MAX_ANSWERS = 128;
const MAX_CHARACTERS = LIMITS.commandsAtATime * LIMITS.messageBytes;
/** When all sessions together have more, the generations of each have their share of it only. */
const MAX_KEPT_CHARACTERS = 32 * 1024 * 1024;
/** What an answer counts beyond its text. */
const ANSWER_CHARACTERS = 512;

/** Some answers, which are forgotten together. */
class Generation {
  readonly calls = new Map<string, Called>();
  characters = 0;
}

/** The commands of one session. */
export class CallRecord {
  readonly #kept: KeptAnswers;
  readonly #unanswered = new Map<string, Called>();
  #young = new Generation();
  #old = new Generation();
  /** Whether the young one became old since the last tick. */
  #hasAged = false;

  /** `kept` is shared by all sessions. */
  constructor(kept: KeptAnswers) {
    this.#kept = kept;
    kept.sessions++;
  }

  /** The command of a uid. */
  get(uid: string): Called | undefined {
    return this.#unanswered.get(uid) ?? this.#young.calls.get(uid) ?? this.#old.calls.get(uid);
  }

  /** A command begins. */
  begin(called: Called): void {
    this.#unanswered.set(called.uid, called);
  }

  /** It was answered; nothing is kept when its session has ended. */
  answer(called: Called, answer: string): void {
    if (!this.#unanswered.delete(called.uid)) return;
    called.answer = answer;
    const size = answer.length + ANSWER_CHARACTERS;
    if (this.#young.calls.size > 0 && this.#young.characters + size > this.#share) this.#age();
    this.#young.calls.set(called.uid, called);
    this.#young.characters += size;
    this.#kept.characters += size;
    if (this.#young.calls.size >= MAX_ANSWERS) this.#age();
  }

  /** Time has passed: what was young at the last tick is forgotten at the next one. A generation that was full meanwhile has aged already. */
  tick(): void {
    if (!this.#hasAged) this.#age();
    this.#hasAged = false;
  }

  #age(): void {
    this.#hasAged = true;
    this.#kept.characters -= this.#old.characters;
    this.#old = this.#young;
    this.#young = new Generation();
  }

  /** Its session has ended; called once. */
  end(): void {
    this.#kept.characters -= this.#old.characters + this.#young.characters;
    this.#kept.sessions--;
    this.#unanswered.clear();
    this.#young = new Generation();
    this.#old = new Generation();
  }

  /** What a generation may hold. */
  get #share(): number {
    const { characters, sessions } = this.#kept;
    if (characters <= MAX_KEPT_CHARACTERS) return MAX_CHARACTERS;
    return Math.min(MAX_KEPT_CHARACTERS / (2 * sessions), MAX_CHARACTERS);
  }
}
