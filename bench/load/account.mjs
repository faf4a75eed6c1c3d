/**
 * What was published on one path, held against what a crowd of connections receives. The order between publishers is the server's to decide:
 * the connection that hears a message first decides it for all. A strict account lets nothing pass; a lenient one, for peers that are seen
 * to lose updates, counts what is skipped and out of order.
 */
import { Canon } from './canon.mjs';
import { Delivery } from './delivery.mjs';
import { Fault } from './fault.mjs';
import { ChunkLog } from './samples.mjs';
import { nowMs } from './usage.mjs';

/** When nothing has come for so long, a lenient account takes what is missing for lost. */
const LOST_MS = 2_000;

/** An update as a dialect decodes it. @typedef {{path: string, message: unknown, offset?: number, epoch?: string}} Update */

export class Account {
  canon = new Canon();
  /** Updates that came after a later one; only of a lenient account. */
  disordered = 0;
  /** When the last update came. */
  lastMs = nowMs();
  isLenient;
  #chunks = new ChunkLog();
  /** @type {Delivery[]} */
  #readers = [];
  #options;
  #next;
  /** The first number of each publisher in this phase. */
  #first;
  #last = { offset: 0, epoch: undefined };

  /**
   * @param {object} options
   * @param {import('./message.mjs').Messages} options.messages
   * @param {number} options.publishers
   * @param {string} options.path
   * @param {(slot: number) => number} options.publishedAt when the update in a slot was sent
   * @param {boolean} [options.isLenient]
   */
  constructor(options) {
    this.#options = options;
    this.isLenient = options.isLenient ?? false;
    this.#next = new Uint32Array(options.publishers);
    this.#first = this.#next.slice();
  }

  /** Returns what the next connection gives its bytes to. @param {import('./subscribers.mjs').Conversation} conversation */
  reader(conversation) {
    const reader = new Delivery(conversation, this);
    this.#readers.push(reader);
    return reader;
  }

  /** Notes that a reader has received bytes `from` to `to` of the canonical stream. */
  note(from, to) {
    this.lastMs = nowMs();
    this.#chunks.add(this.lastMs, from, to);
  }

  /** Checks the content alone; returns its slot. @param {Update} update */
  verify({ path, message }) {
    const { messages, publishers } = this.#options;
    if (path !== this.#options.path) throw new Fault('altered', `the path is ${JSON.stringify(path)}`);
    const { p, n } = messages.numbersOf(message, publishers);
    return n * publishers + p;
  }

  /** Whether the message in a slot, or a later one of its publisher, was heard by any connection. */
  hasSeen(slot) {
    const { publishers } = this.#options;
    return Math.floor(slot / publishers) < this.#next[slot % publishers];
  }

  /** Takes the next message of the canonical order, or throws what is wrong with it. Returns false when it is of an earlier phase. */
  accept({ offset, epoch }, slot) {
    const { publishers } = this.#options;
    const [p, n] = [slot % publishers, Math.floor(slot / publishers)];
    const due = this.#next[p];
    if (n > due) this.pass('skipped', `message ${n} of publisher ${p} came where ${due} was due`);
    if (n < due) {
      this.pass('doubled', `message ${n} of publisher ${p} came again; ${due} was due`);
      if (n < this.#first[p]) return false;
      this.disordered++;
      return true;
    }
    this.#next[p] = n + 1;
    if (offset === undefined || this.isLenient) return true;
    const last = this.#last;
    if (last.offset > 0 && epoch !== last.epoch)
      throw new Fault('altered', `epoch ${epoch} after ${last.epoch}`);
    if (offset <= last.offset) throw new Fault('altered', `offset ${offset} after ${last.offset}`);
    this.#last = { offset, epoch };
    return true;
  }

  /** Throws what only a lenient account lets pass. */
  pass(kind, message) {
    if (!this.isLenient) throw new Fault(kind, message);
  }

  /** Updates received by all connections together in this phase. */
  get delivered() {
    return this.#readers.reduce((sum, reader) => sum + reader.delivered, 0);
  }

  /** Whether no more is to be expected of so many updates. */
  hasAll(accepted) {
    if (this.canon.count >= accepted && this.#behind === 0) return true;
    return this.isLenient && nowMs() - this.lastMs > LOST_MS;
  }

  /** Throws what is missing of so many updates. */
  expectAll(accepted) {
    const { count } = this.canon;
    if (count !== accepted) {
      const kind = count < accepted ? 'missing' : 'doubled';
      this.pass(kind, `${accepted} updates were accepted, ${count} came to any connection`);
    }
    const all = accepted * this.#readers.length;
    if (this.#behind > 0)
      this.pass(
        'missing',
        `${this.#behind} connections lack some of ${all - this.delivered} of ${all} deliveries`,
      );
  }

  /** Returns the times of all deliveries of this phase. */
  samples() {
    const samples = this.#chunks.samples(this.canon, this.#options.publishedAt);
    if (samples.count === this.delivered) return samples;
    throw new Fault('protocol', `${samples.count} latencies for ${this.delivered} deliveries`);
  }

  /** Begins a new phase. */
  clear() {
    for (const reader of this.#readers) reader.clear();
    this.canon.clear();
    this.#chunks.clear();
    this.#first = this.#next.slice();
    this.disordered = 0;
  }

  get #behind() {
    return this.#readers.filter((reader) => !reader.isComplete).length;
  }
}
