/**
 * A client of a measured window. All such clients must receive the same bytes, so a frame is parsed by the first that hears it and checked as
 * a part of the *stream*; where a chunk of another is equal to the stream's next bytes it is not parsed. That is what makes the generator
 * cheap; each update of it is counted all the same. What differs from the stream is read frame by frame.
 */
import { Connection } from './connection.mjs';
import { Fault } from './fault.mjs';
import { frameAt, singleLines } from './frames.mjs';
import { nowMs } from './usage.mjs';

const FIRST_BYTES = 4 * 1024 * 1024;
const MAX_BYTES = 1024 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** Frames that were sound and in their turn where they were heard first, one after the other. */
export class Stream {
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Where each frame begins, then where the last one ends. */
  starts = [0];
  /** The update of each frame. @type {import('./hearing.mjs').Heard[]} */
  updates = [];
  /** By publisher and number. @type {Map<string, number>} */
  #indexes = new Map();

  /** How many bytes it has. @returns {number} */
  get end() {
    return this.starts[this.updates.length];
  }

  /** Appends the whole frame `source[from..to]`. */
  append(source, from, to, update) {
    const end = this.end + to - from;
    if (end > MAX_BYTES) throw new Fault('protocol', `more than ${MAX_BYTES} bytes of updates in one run`);
    if (end > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
      this.bytes.copy(larger, 0, 0, this.end);
      this.bytes = larger;
    }
    source.copy(this.bytes, this.end, from, to);
    this.#indexes.set(`${update.p} ${update.n}`, this.updates.length);
    this.updates.push(update);
    this.starts.push(end);
  }

  /** Returns which frame brings an update; undefined when none does. */
  indexOf({ p, n }) {
    return this.#indexes.get(`${p} ${n}`);
  }
}

export class Subscriber extends Connection {
  hearing;
  #stream;
  /** Frames of the stream that it has passed. */
  #index = 0;
  /** Bytes of the stream that it has passed; inside of a frame while that has come in part. */
  #at = 0;
  /** Bytes of a frame that has come in part and differs from the stream's next. */
  #carry = NOTHING;
  /** When the bytes came that are being read. */
  #atMs = 0;
  /** The update of the frame that is being heard, when it is sound and in its turn. @type {import('./hearing.mjs').Heard | null} */
  #heard = null;

  /** @param {import('./connection.mjs').ConnectionOptions} options @param {Stream} stream @param {import('./hearing.mjs').Hearing} hearing */
  constructor(options, stream, hearing) {
    super(options);
    this.#stream = stream;
    this.hearing = hearing;
  }

  read(chunk, length) {
    this.#atMs = nowMs();
    const from = this.#carry.length > 0 ? 0 : this.#follow(chunk, 0, length);
    if (from === length) return;
    const [start, rest] = [this.#stream.starts[this.#index], chunk.subarray(from, length)];
    const begun = this.#carry.length > 0 ? this.#carry : this.#stream.bytes.subarray(start, this.#at);
    this.#at = start;
    const bytes = begun.length > 0 ? Buffer.concat([begun, rest]) : rest;
    this.#readFrames(this.dialect.isJoining ? singleLines(bytes) : bytes);
  }

  onUpdate(update) {
    this.#heard = this.hearing.take(update, this.#atMs);
  }

  onEnd(code, why) {
    if (!this.isReady) super.onEnd(code, why);
    this.closed = `connection ${this.index}: closed with ${code} ${why}`;
  }

  /** Follows the stream as far as it goes, if all of these bytes are its next. Returns where it stopped. */
  #follow(bytes, from, to) {
    const stream = this.#stream;
    const known = Math.min(to - from, stream.end - this.#at);
    const end = this.#at + known;
    if (known === 0 || bytes.compare(stream.bytes, this.#at, end, from, from + known) !== 0) return from;
    this.#at = end;
    while (this.#index < stream.updates.length && stream.starts[this.#index + 1] <= end)
      this.hearing.hear(stream.updates[this.#index++], this.#atMs);
    return from + known;
  }

  #readFrames(bytes) {
    this.#carry = NOTHING;
    for (let from = this.#follow(bytes, 0, bytes.length); from < bytes.length; ) {
      const frame = frameAt(bytes, from, bytes.length);
      if (frame === null) {
        this.#carry = Buffer.from(bytes.subarray(from));
        return;
      }
      const isKnown = this.#at + frame.end - from <= this.#stream.end;
      if (!isKnown || this.#follow(bytes, from, frame.end) === from) this.#hearFrame(bytes, from, frame);
      from = this.#follow(bytes, frame.end, bytes.length);
    }
  }

  /** Hears a frame that is not the stream's next: makes it that, or goes to where the stream has it. */
  #hearFrame(bytes, from, frame) {
    this.#heard = null;
    this.hear(bytes, frame);
    if (this.#heard === null) return;
    const [stream, index] = [this.#stream, this.#stream.indexOf(this.#heard)];
    if (index === undefined) {
      if (this.#at < stream.end) return;
      stream.append(bytes, from, frame.end, this.#heard);
      return this.#goTo(this.#index + 1);
    }
    const [start, end] = [stream.starts[index], stream.starts[index + 1]];
    if (bytes.compare(stream.bytes, start, end, from, frame.end) !== 0)
      this.hearing.alter(
        `other bytes than others heard: ${bytes.toString('utf8', frame.payload, frame.end)}`,
      );
    if (index >= this.#index) this.#goTo(index + 1);
  }

  #goTo(index) {
    this.#index = index;
    this.#at = this.#stream.starts[index];
  }
}
