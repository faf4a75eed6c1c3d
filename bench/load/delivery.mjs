/**
 * What one connection receives, held against the canonical stream. In the common case a chunk is compared as bytes and
 * never parsed, which is what makes the generator cheap; whatever differs is read frame by frame. Whoever is ahead of
 * everybody else extends the stream, so no connection is ever beyond it by more than a part of a frame.
 */
import { hearFrame } from './conversation.mjs';
import { Fault } from './fault.mjs';
import { frameAt } from './frames.mjs';

/**
 * @typedef {object} Held
 * @property {import('./canon.mjs').Canon} canon shared by all connections
 * @property {import('./ledger.mjs').Ledger} ledger shared by all connections
 */
/** @typedef {import('./conversation.mjs').Speaker & Held} DeliveryOptions */

export class Delivery {
  /** Bytes of the canonical stream that have arrived. Inside a frame only when the rest of it is already known. */
  at = 0;
  /** Bytes of a frame whose end has not come. When set, `at` is at a frame's beginning. @type {Buffer | null} */
  #carry = null;
  #options;

  /** @param {DeliveryOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Whether everything that any connection has heard was heard here too. */
  get isComplete() {
    return this.at === this.#options.canon.end && this.#carry === null;
  }

  /** Begins a new phase. Only when complete. */
  clear() {
    this.at = 0;
  }

  /**
   * Takes the first `length` bytes of `chunk`, which may be reused after the call. Throws a Fault.
   * @param {Buffer} chunk
   * @param {number} length
   */
  feed(chunk, length) {
    if (this.#carry !== null) {
      const joined = Buffer.concat([this.#carry, chunk.subarray(0, length)]);
      this.#carry = null;
      this.#readFrames(joined, 0, joined.length);
      return;
    }
    const matched = this.#match(chunk, 0, length);
    if (matched === length) return;
    const { canon } = this.#options;
    const start = canon.frameStart(this.at);
    if (start === this.at) {
      this.#readFrames(chunk, matched, length);
      return;
    }
    const rebuilt = Buffer.concat([canon.bytes.subarray(start, this.at), chunk.subarray(matched, length)]);
    this.at = start;
    this.#readFrames(rebuilt, 0, rebuilt.length);
  }

  /** Compares as many bytes as the stream has; moves on only when all of them are equal. Returns where it stopped. */
  #match(bytes, from, to) {
    const { canon } = this.#options;
    const known = Math.min(to - from, canon.end - this.at);
    if (known === 0 || bytes.compare(canon.bytes, this.at, this.at + known, from, from + known) !== 0)
      return from;
    this.at += known;
    return from + known;
  }

  /** Reads whole frames; `at` is at a frame's beginning. What is left over is kept. */
  #readFrames(bytes, from, to) {
    const { canon } = this.#options;
    let i = from;
    while (i < to) {
      const frame = frameAt(bytes, i, to);
      if (frame === null) break;
      const length = frame.end - i;
      const isKnown =
        this.at + length <= canon.end &&
        bytes.compare(canon.bytes, this.at, this.at + length, i, frame.end) === 0;
      if (isKnown) {
        this.at += length;
        i = frame.end;
        continue;
      }
      this.#read(bytes, i, frame);
      i = this.#match(bytes, frame.end, to);
    }
    if (i < to) this.#carry = Buffer.from(bytes.subarray(i, to));
  }

  /** One frame that is not simply the next one of the canonical stream. */
  #read(bytes, from, frame) {
    const update = hearFrame(bytes, frame, this.#options);
    if (update !== null) this.#update(bytes, from, frame, update);
  }

  /** An update that extends the canonical stream, or contradicts it. */
  #update(bytes, from, frame, update) {
    const { canon, ledger, index } = this.#options;
    try {
      if (this.at < canon.end) throw this.#contradiction(update);
      ledger.accept(update);
    } catch (fault) {
      if (fault instanceof Fault)
        fault.message += ` (connection ${index}, update ${canon.framesWithin(this.at) + 1})`;
      throw fault;
    }
    canon.append(bytes, from, frame.end);
    this.at = canon.end;
  }

  /** Says how `update` differs from what other connections received at this place. */
  #contradiction(update) {
    const { canon, ledger, dialect } = this.#options;
    const { p, n } = ledger.verify(update);
    const frame = /** @type {import('./frames.mjs').Frame} */ (frameAt(canon.bytes, this.at, canon.end));
    const read = dialect.read(canon.bytes.toString('utf8', frame.payload, frame.end));
    const due = read.update.message;
    if (due.p === p && due.n === n)
      return new Fault('altered', `other bytes around message ${n} of publisher ${p}`);
    const index = canon.framesWithin(this.at);
    const isBefore = ledger.order.subarray(0, index).includes(n * ledger.publishers + p);
    const isAfter =
      !isBefore &&
      (!ledger.hasSeen(p, n) ||
        ledger.order.subarray(index, ledger.count).includes(n * ledger.publishers + p));
    const came = `message ${n} of publisher ${p} came where others heard message ${due.n} of publisher ${due.p}`;
    return new Fault(isAfter ? 'skipped' : 'doubled', came);
  }
}
