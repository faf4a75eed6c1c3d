/**
 * Commands that were answered, and what the answers were: a client that lost its connection asks again. Kept for a while, and bounded
 * together; the oldest go first.
 */
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { Clock } from '../core/clock.js';

/** Of one session: a client asks again for what it had under way, which is never so much. */
const MAX_OF_SESSION = 128;

/** The commands of one session, running or answered. */
export class KnownCalls {
  readonly #calls = new Map<string, Called>();
  /** The last that were answered, each in the place of one that is older. */
  readonly #answered: Called[] = [];
  #next = 0;

  /** The command of a uid. */
  get(uid: string): Called | undefined {
    return this.#calls.get(uid);
  }

  /** All of them. */
  get all(): Iterable<Called> {
    return this.#calls.values();
  }

  /** A command begins. */
  add(called: Called): void {
    this.#calls.set(called.uid, called);
  }

  /** Notes that one was answered; answers the one that is too many for it. */
  answered(called: Called): Called | undefined {
    const older = this.#answered[this.#next];
    this.#answered[this.#next] = called;
    this.#next = (this.#next + 1) % MAX_OF_SESSION;
    return older;
  }

  /** Forgets a command. */
  delete({ uid }: Called): void {
    this.#calls.delete(uid);
  }
}

/** One command, running or answered. */
export interface Called {
  readonly uid: string;
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  /** Where it is known. */
  readonly known: KnownCalls;
  /** The text of the frame that answered it; null while it runs, and when it is forgotten. */
  answer: string | null;
  answeredAt: number;
}

/** Characters of all answers together; what an answer counts beyond its text. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
const ANSWER_CHARACTERS = 256;
/** Places of answers that are gone are cut out when there are so many, and as many as others. */
const COMPACT_AT = 1_024;

/** The answers that are kept. */
export class CallRecord {
  readonly #clock: Clock;
  /**
   * In the order of their time, from `#oldest` on, those that are forgotten among them. No set: its first element is found slowly when
   * many before it were deleted.
   */
  #answered: Called[] = [];
  #oldest = 0;
  #kept = 0;
  #characters = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps the answer to a command, unless its session has ended. */
  keep(called: Called, answer: string): void {
    if (called.known.get(called.uid) !== called) return;
    called.answer = answer;
    called.answeredAt = this.#clock.now();
    this.#answered.push(called);
    this.#kept++;
    this.#characters += answer.length + ANSWER_CHARACTERS;
    const older = called.known.answered(called);
    if (older !== undefined) this.#drop(older);
    this.#prune(called.answeredAt - LIMITS.recordMs);
  }

  /** A session has ended: nothing is kept of its commands. */
  forget(known: KnownCalls): void {
    for (const called of [...known.all]) {
      this.#drop(called);
      known.delete(called);
    }
  }

  #prune(since: number): void {
    for (let oldest = this.#answered[this.#oldest]; oldest !== undefined; ) {
      if (oldest.answeredAt > since && this.#characters <= MAX_CHARACTERS) break;
      this.#drop(oldest);
      oldest = this.#answered[++this.#oldest];
    }
    if (this.#answered.length < 2 * this.#kept + COMPACT_AT) return;
    this.#answered = this.#answered.filter(({ answer }) => answer !== null);
    this.#oldest = 0;
  }

  /** Its place in the order stays, without the answer. */
  #drop(called: Called): void {
    if (called.answer === null) return;
    this.#kept--;
    this.#characters -= called.answer.length + ANSWER_CHARACTERS;
    called.answer = null;
    called.known.delete(called);
  }
}
