/**
 * Stores what long-poll clients may ask for again: the last answer of each connection, and ended connections. Both are
 * bounded, in bytes and in number; the oldest are dropped first. Their clients open again with their positions and lose
 * nothing.
 */
import { LinkedMap } from '../core/data/linked-map.js';

/** The most bytes of all kept answers. */
export const MAX_KEPT_ANSWER_BYTES = 4 * 1024 * 1024;
/** The most ended connections whose last answer may still be fetched. */
export const MAX_ENDED_POLLS = 10_000;
/** Bytes of an answer beside its text. */
const ANSWER_BYTES = 512;

/** A connection whose answers are kept. */
export interface AnswerHolder {
  /** Drops its last answer. */
  forgetAnswer(): void;
  /** Drops it, though it has ended a short time ago. */
  forgetEnded(): void;
}

/** Bounds the answers of all long-poll connections. */
export class KeptAnswers {
  readonly #answers = new LinkedMap<AnswerHolder, number>();
  readonly #ended = new LinkedMap<AnswerHolder, true>();
  #bytes = 0;

  /** Returns the bytes of all kept answers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the number of ended connections. */
  get ended(): number {
    return this.#ended.size;
  }

  /** Keeps the answer of a connection in place of its last one; without room the oldest are dropped. */
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

  /** Drops the answer of a connection. */
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

  /** Removes a connection. */
  gone(holder: AnswerHolder): void {
    this.drop(holder);
    this.#ended.delete(holder);
  }
}
