/**
 * The one stream of update frames that every connection must receive, byte for byte. It grows by whole frames, each checked
 * before it is appended, and is emptied between phases. Bounded: a phase that would outgrow `maxBytes` is a fault.
 */
import { Fault } from './fault.mjs';

const FIRST_BYTES = 4 * 1024 * 1024;

export class Canon {
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Bytes in the stream. */
  end = 0;
  /** Frames in the stream. */
  count = 0;
  #ends = new Uint32Array(16384);

  /** @param {number} [maxBytes] */
  constructor(maxBytes = 512 * 1024 * 1024) {
    this.maxBytes = maxBytes;
  }

  /** Appends the whole frame `source[from..to]`. @param {Buffer} source @param {number} from @param {number} to */
  append(source, from, to) {
    const end = this.end + to - from;
    if (end > this.maxBytes)
      throw new Fault('protocol', `more than ${this.maxBytes} bytes of updates in one phase`);
    if (end > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
      this.bytes.copy(larger, 0, 0, this.end);
      this.bytes = larger;
    }
    source.copy(this.bytes, this.end, from, to);
    if (this.count === this.#ends.length) {
      const longer = new Uint32Array(this.count * 2);
      longer.set(this.#ends);
      this.#ends = longer;
    }
    this.#ends[this.count++] = end;
    this.end = end;
  }

  /** How many frames are complete within the first `bytes` bytes. */
  framesWithin(bytes) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle] <= bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the frame begins that holds byte `at`. */
  frameStart(at) {
    const index = this.framesWithin(at);
    return index === 0 ? 0 : this.#ends[index - 1];
  }

  /** Begins a new phase. */
  clear() {
    this.end = 0;
    this.count = 0;
  }
}
