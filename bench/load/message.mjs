/**
 * The messages of a run: JSON objects of one exact size that name their publisher (`p`) and sequence number (`n`) and are
 * filled with text that follows from both and the seed. Whoever knows the seed can say what any message must look like.
 */
import { Fault } from './fault.mjs';

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

  /** Checks that a decoded message is one of these, of `publishers` publishers; returns its numbers. */
  numbersOf(message, publishers) {
    const text = JSON.stringify(message);
    const { p, n } = /** @type {Message} */ (message ?? {});
    const isNamed = Number.isInteger(p) && Number.isInteger(n) && p >= 0 && p < publishers && n >= 0;
    if (!isNamed) throw new Fault('altered', `a message that was never published: ${text}`);
    const published = this.text(p, n);
    if (text !== published) throw new Fault('altered', `published ${published}, received ${text}`);
    return { p, n };
  }
}
