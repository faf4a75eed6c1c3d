/**
 * What one connection receives of a system that loses updates: each is read, its content and its publisher's order are checked, and it is
 * counted; what is missing is no fault. Dearer than Delivery, which compares bytes.
 */
import { hearFrame } from './conversation.mjs';
import { Fault } from './fault.mjs';
import { frameAt } from './frames.mjs';

export class Tally {
  /** Updates heard in this phase. */
  at = 0;
  #carry = Buffer.alloc(0);
  #next;
  #options;

  /** @param {import('./conversation.mjs').Speaker & {ledger: import('./ledger.mjs').Ledger, onHeard: (p: number, n: number) => void}} options */
  constructor(options) {
    this.#options = options;
    this.#next = new Uint32Array(options.ledger.publishers);
  }

  /** Begins a new phase. */
  clear() {
    this.at = 0;
  }

  /** Takes the first `length` bytes of `chunk`, which may be reused after the call. @param {Buffer} chunk @param {number} length */
  feed(chunk, length) {
    const bytes = Buffer.concat([this.#carry, chunk.subarray(0, length)]);
    let i = 0;
    for (
      let frame = frameAt(bytes, i, bytes.length);
      frame !== null;
      frame = frameAt(bytes, i, bytes.length)
    ) {
      const update = hearFrame(bytes, frame, this.#options);
      if (update !== null) this.#hear(update);
      i = frame.end;
    }
    this.#carry = bytes.subarray(i);
  }

  #hear(update) {
    const { ledger, index, onHeard } = this.#options;
    const { p, n } = ledger.verify(update);
    const due = this.#next[p];
    if (n < due)
      throw new Fault('doubled', `connection ${index}: message ${n} of publisher ${p} came after ${due - 1}`);
    this.#next[p] = n + 1;
    this.at++;
    onHeard(p, n);
  }
}
