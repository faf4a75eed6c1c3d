/** What all subscribers together are held to: everybody must hear everything, unaltered and in one order. */
import { Canon } from './canon.mjs';
import { Delivery } from './delivery.mjs';
import { Fault } from './fault.mjs';
import { ChunkLog } from './latency.mjs';

/** @typedef {import('./conversation.mjs').Speaker} Speaker */
/** When the update in a slot, `n * publishers + p`, was sent. @typedef {(slot: number) => number} PublishedAt */
/** @typedef {{ledger: import('./ledger.mjs').Ledger, publishedAt: PublishedAt}} AccountOptions */

export class ExactAccount {
  canon = new Canon();
  #chunks = new ChunkLog();
  /** @type {Delivery[]} */
  #readers = [];
  #options;

  /** @param {AccountOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** What the next connection gives its bytes to. @param {Speaker} speaker */
  reader(speaker) {
    const { ledger } = this.#options;
    const reader = new Delivery({ ...speaker, ledger, canon: this.canon });
    this.#readers.push(reader);
    return reader;
  }

  /** Notes that a reader went on, from where to where. */
  note(atMs, from, to) {
    this.#chunks.add(atMs, from, to);
  }

  /** Updates received by all together in this phase. */
  get delivered() {
    return this.#readers.reduce((sum, { at }) => sum + this.canon.framesWithin(at), 0);
  }

  /** Whether all have heard all, and `accepted` is what they have heard. @param {number} accepted */
  hasAll(accepted) {
    return this.#options.ledger.count >= accepted && this.#behind === 0;
  }

  /** Throws what is missing of so many updates. @param {number} accepted */
  expectAll(accepted) {
    const { count } = this.#options.ledger;
    if (count !== accepted) {
      const kind = count < accepted ? 'missing' : 'doubled';
      throw new Fault(kind, `${accepted} updates were accepted, ${count} came to any connection`);
    }
    if (this.#behind > 0) {
      const all = accepted * this.#readers.length;
      throw new Fault(
        'missing',
        `${this.#behind} connections lack some of ${all - this.delivered} deliveries of ${all}`,
      );
    }
  }

  /** Every fault ends the run. */
  mayPass() {
    return false;
  }

  /** The times of all deliveries of this phase. */
  samples() {
    const { ledger, publishedAt } = this.#options;
    const samples = this.#chunks.samples(this.canon, (index) => publishedAt(ledger.order[index]));
    if (samples.count === this.delivered) return samples;
    throw new Fault('protocol', `${samples.count} latencies for ${this.delivered} deliveries`);
  }

  /** Begins a new phase. Only when all have all. */
  clear() {
    this.canon.clear();
    this.#chunks.clear();
    this.#options.ledger.clear();
    for (const reader of this.#readers) reader.clear();
  }

  get #behind() {
    return this.#readers.filter((reader) => !reader.isComplete).length;
  }
}
