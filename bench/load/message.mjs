/**
 * The messages of a run: JSON objects of one exact size that name their publisher (`p`) and sequence number (`n`) and are
 * filled with text that follows from both and the seed. Whoever knows the seed can say what any message must look like.
 */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const FILLER_CHARS = 8192;

/** One message, decoded. @typedef {{p: number, n: number, f: string}} Message */

export class Messages {
  #filler = '';

  /**
   * @param {number} seed any integer
   * @param {number} [bytes] of each message as JSON, at least 64
   */
  constructor(seed, bytes = 128) {
    this.bytes = bytes;
    let state = seed >>> 0;
    for (let i = 0; i < FILLER_CHARS; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      this.#filler += ALPHABET[(state >>> 16) % ALPHABET.length];
    }
  }

  /** The `n`th message of publisher `p` as JSON text of exactly `bytes` bytes. */
  text(p, n) {
    const head = `{"p":${p},"n":${n},"f":"`;
    const start = (p * 31 + n * 17) % (FILLER_CHARS - this.bytes);
    return `${head}${this.#filler.slice(start, start + this.bytes - head.length - 2)}"}`;
  }
}
