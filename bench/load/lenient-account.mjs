/**
 * What all subscribers of a system that has been seen to lose updates are held to: what comes must be sound, and is counted. Whoever is
 * closed hears no more.
 */
import { nowMs } from './clock.mjs';
import { Fault } from './fault.mjs';
import { Samples } from './latency.mjs';
import { Tally } from './tally.mjs';

/** When nothing has come for so long, what is missing is lost. */
const LOST_MS = 2_000;

export class LenientAccount {
  #samples = new Samples();
  #lastMs = nowMs();
  /** @type {Tally[]} */
  #readers = [];
  #options;

  /** @param {import('./exact-account.mjs').AccountOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** What the next connection gives its bytes to. @param {import('./conversation.mjs').Speaker} speaker */
  reader(speaker) {
    const { ledger, publishedAt } = this.#options;
    const onHeard = (p, n) => this.#samples.add(nowMs() - publishedAt(n * ledger.publishers + p));
    const reader = new Tally({ ...speaker, ledger, onHeard });
    this.#readers.push(reader);
    return reader;
  }

  /** Notes that a reader went on. @param {number} atMs */
  note(atMs) {
    this.#lastMs = atMs;
  }

  /** Updates received by all together in this phase. */
  get delivered() {
    return this.#readers.reduce((sum, { at }) => sum + at, 0);
  }

  /** Whether no more is to be expected of so many updates. @param {number} accepted */
  hasAll(accepted) {
    return this.delivered >= accepted * this.#readers.length || nowMs() - this.#lastMs > LOST_MS;
  }

  /** Whatever is missing is missing. */
  expectAll() {
    return undefined;
  }

  /** Whether a fault of one connection is its own affair. @param {unknown} fault */
  mayPass(fault) {
    return fault instanceof Fault && fault.kind === 'closed';
  }

  /** The times of all deliveries of this phase. */
  samples() {
    return this.#samples;
  }

  /** Begins a new phase. */
  clear() {
    this.#samples = new Samples();
    for (const reader of this.#readers) reader.clear();
  }
}
