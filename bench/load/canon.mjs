/**
 * The stream of update frames that every connection must receive, byte for byte, each with its slot (`n * publishers + p`). It grows by
 * whole frames, each checked before it is appended, and is emptied between phases.
 */
import { Fault } from './fault.mjs';

const FIRST_BYTES = 4 * 1024 * 1024;
const MAX_BYTES = 512 * 1024 * 1024;

export class Canon {
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Bytes in the stream. */
  end = 0;
  /** Frames in the stream. */
  count = 0;
  #ends = new Uint32Array(16384);
  #slots = new Uint32Array(16384);

  /** Appends the whole frame `source[from..to]`. */
  append(source, from, to, slot) {
    const end = this.end + to - from;
    if (end > MAX_BYTES) throw new Fault('protocol', `more than ${MAX_BYTES} bytes of updates in one phase`);
    if (end > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
      this.bytes.copy(larger, 0, 0, this.end);
      this.bytes = larger;
    }
    source.copy(this.bytes, this.end, from, to);
    if (this.count === this.#ends.length) {
      this.#ends = doubled(this.#ends);
      this.#slots = doubled(this.#slots);
    }
    this.#slots[this.count] = slot;
    this.#ends[this.count++] = end;
    this.end = end;
  }

  /** Returns how many frames are complete within the first `bytes` bytes. */
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

  startOf(index) {
    return index === 0 ? 0 : this.#ends[index - 1];
  }

  endOf(index) {
    return this.#ends[index];
  }

  slotOf(index) {
    return this.#slots[index];
  }

  /** Returns the index of a slot's frame, from `from` on, or -1. */
  indexOf(slot, from = 0) {
    return this.#slots.subarray(0, this.count).indexOf(slot, from);
  }

  clear() {
    this.end = 0;
    this.count = 0;
  }
}

/** Returns an array of twice the length that begins with `array`. @template {Uint32Array | Float64Array} T @param {T} array @returns {T} */
export function doubled(array) {
  const longer = new /** @type {any} */ (array.constructor)(array.length * 2);
  longer.set(array);
  return longer;
}
