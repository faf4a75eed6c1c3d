/**
 * What long-poll keeps for clients that may ask again: the last answer of each connection, and connections that have ended. Both are
 * bounded together, in bytes and in number. The oldest go first: their clients open again with their positions, and lose nothing.
 */
import { LinkedMap } from '../core/data/linked-map.js';

/** Bytes of all answers that are kept. */
export const MAX_KEPT_ANSWER_BYTES = 4 * 1024 * 1024;
/** Connections that have ended and whose last answer may still be fetched. */
export const MAX_ENDED_POLLS = 10_000;
/** What an answer holds beside its bytes. */
const ANSWER_BYTES = 512;

/** A connection whose answers are kept. */
export interface AnswerHolder {
  /** Its last answer is not kept any more. */
  forgetAnswer(): void;
  /** It is not kept any more, though it has ended a short time ago. */
  forgetEnded(): void;
}

/** The answers of all long-poll connections. */
export class KeptAnswers {
  readonly #answers = new LinkedMap<AnswerHolder, number>();
  readonly #ended = new LinkedMap<AnswerHolder, true>();
  #bytes = 0;

  /** Bytes of all answers that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Connections that are kept though they have ended. */
  get ended(): number {
    return this.#ended.size;
  }

  /** Keeps the answer of a connection in place of its last one; the oldest of all go when there is no room. */
  keep(holder: AnswerHolder, bytes: number): void {
    this.drop(holder);
    this.#answers.set(holder, bytes + ANSWER_BYTES);
    this.#bytes += bytes + ANSWER_BYTES;
    for (let oldest = this.#answers.oldest; oldest !== undefined; oldest = this.#answers.oldest) {
      if (this.#bytes <= MAX_KEPT_ANSWER_BYTES || oldest[0] === holder) return;
      this.drop(oldest[0]);
      oldest[0].forgetAnswer();
    }
  }

  /** Keeps the answer of a connection no more. */
  drop(holder: AnswerHolder): void {
    this.#bytes -= this.#answers.get(holder) ?? 0;
    this.#answers.delete(holder);
  }

  /** Keeps a connection that has ended, until `gone`. */
  end(holder: AnswerHolder): void {
    this.#ended.set(holder, true);
    const oldest = this.#ended.oldest?.[0];
    if (oldest === undefined || this.#ended.size <= MAX_ENDED_POLLS) return;
    this.gone(oldest);
    oldest.forgetEnded();
  }

  /** A connection is not kept any more. */
  gone(holder: AnswerHolder): void {
    this.drop(holder);
    this.#ended.delete(holder);
  }
}
