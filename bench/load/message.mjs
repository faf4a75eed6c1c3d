/**
 * The messages of a run: JSON objects of one exact size that name their publisher (`p`), their number (`n`) and the microsecond in which they
 * were published (`t`), filled with text that follows from these and the seed. A receiver that knows the seed can check each to the letter.
 */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const FILLER_CHARS = 16_384;
/** Places where a filler may start; a prime, so that no altered digit leads to the same place. */
const STARTS = 7_919;

export class Messages {
  #filler = '';
  #bytes;

  /** @param {number} seed any integer @param {number} [bytes] of each message as JSON, from 64 to 8,000 */
  constructor(seed, bytes = 128) {
    this.#bytes = bytes;
    let state = seed >>> 0;
    for (let i = 0; i < FILLER_CHARS; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      this.#filler += ALPHABET[(state >>> 16) % ALPHABET.length];
    }
  }

  /** Returns the `n`th message of publisher `p` as JSON text. @param {number} p @param {number} n @param {number} [t] */
  text(p, n, t = 0) {
    const head = `{"p":${p},"n":${n},"t":${t},"f":"`;
    const start = (p * 31 + n * 17 + t * 7) % STARTS;
    return `${head}${this.#filler.slice(start, start + this.#bytes - head.length - 2)}"}`;
  }

  /** Returns what a decoded message names; null when no publisher has published it so. @param {any} message */
  read(message) {
    const { p, n, t } = message ?? {};
    const isNamed = [p, n, t].every((number) => Number.isSafeInteger(number) && number >= 0);
    return isNamed && JSON.stringify(message) === this.text(p, n, t) ? { p, n, t } : null;
  }
}
