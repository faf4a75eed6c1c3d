/**
 * What was published, held against what arrives first: every message must be exactly the one its publisher sent next. The
 * order between publishers is the server's to decide; whatever connection hears a message first decides it for all.
 */
import { Fault } from './fault.mjs';

/** An update as a dialect decodes it. @typedef {{path: string, message: unknown, offset?: number, epoch?: string}} Update */

export class Ledger {
  /** Publisher and number of each message of this phase, in canonical order: `n * publishers + p`. */
  order = new Uint32Array(16384);
  /** Messages of this phase. */
  count = 0;
  #next;
  #offset = 0;
  #epoch;

  /** @param {{messages: import('./message.mjs').Messages, publishers: number, path: string}} options */
  constructor({ messages, publishers, path }) {
    this.messages = messages;
    this.publishers = publishers;
    this.path = path;
    this.#next = new Uint32Array(publishers);
  }

  /** Takes the next message of the canonical order, or throws what is wrong with it. @param {Update} update */
  accept(update) {
    const { p, n } = this.verify(update);
    const due = this.#next[p];
    if (n < due) throw new Fault('doubled', `message ${n} of publisher ${p} came again; ${due} was due`);
    if (n > due) throw new Fault('skipped', `message ${n} of publisher ${p} came where ${due} was due`);
    this.#acceptPosition(update);
    this.#next[p] = due + 1;
    if (this.count === this.order.length) {
      const longer = new Uint32Array(this.count * 2);
      longer.set(this.order);
      this.order = longer;
    }
    this.order[this.count++] = n * this.publishers + p;
  }

  /** Checks the content alone. @param {Update} update @returns {import('./message.mjs').Message} */
  verify(update) {
    if (update.path !== this.path) throw new Fault('altered', `the path is ${JSON.stringify(update.path)}`);
    const message = /** @type {import('./message.mjs').Message} */ (update.message);
    const text = JSON.stringify(message);
    const isNamed = Number.isInteger(message?.p) && Number.isInteger(message.n);
    if (!isNamed || message.p < 0 || message.p >= this.publishers || message.n < 0) {
      throw new Fault('altered', `a message that nobody published: ${text}`);
    }
    const published = this.messages.text(message.p, message.n);
    if (text !== published) throw new Fault('altered', `published ${published}, received ${text}`);
    return message;
  }

  /** Whether message `n` of publisher `p` has been heard by any connection. */
  hasSeen(p, n) {
    return n < this.#next[p];
  }

  /** @param {Update} update */
  #acceptPosition({ offset, epoch }) {
    if (offset === undefined) return;
    if (this.#epoch !== undefined && epoch !== this.#epoch)
      throw new Fault('altered', `epoch ${epoch} after ${this.#epoch}`);
    if (offset <= this.#offset) throw new Fault('altered', `offset ${offset} after ${this.#offset}`);
    this.#epoch = epoch;
    this.#offset = offset;
  }

  /** Begins a new phase: numbers and positions go on, the order is forgotten. */
  clear() {
    this.count = 0;
  }
}
