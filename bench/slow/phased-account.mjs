/**
 * An exact account whose times are told apart by the phase in which an update was due. Each delivery is timed as it comes: a stream of minutes to
 * hundreds would leave too many chunks.
 */
import { ExactAccount } from '../load/exact-account.mjs';
import { Fault } from '../load/fault.mjs';
import { Samples } from '../load/latency.mjs';

export class PhasedAccount extends ExactAccount {
  /** Of each phase. @type {Samples[]} */
  phases = [];
  /** When each phase but the last ends. @type {number[]} */
  #edges = [];
  #ledger;
  #publishedAt;

  /** @param {import('../load/exact-account.mjs').AccountOptions} options */
  constructor(options) {
    super(options);
    this.#ledger = options.ledger;
    this.#publishedAt = options.publishedAt;
  }

  /** Before the first update. @param {number[]} edges when each phase but the last ends */
  begin(edges) {
    this.#edges = edges;
    this.phases = Array.from({ length: edges.length + 1 }, () => new Samples());
  }

  note(atMs, from, to) {
    const last = this.canon.framesWithin(to);
    for (let i = this.canon.framesWithin(from); i < last; i++) {
      const dueMs = this.#publishedAt(this.#ledger.order[i]);
      this.phases[this.#phaseOf(dueMs)].add(atMs - dueMs);
    }
  }

  expectAll(accepted) {
    super.expectAll(accepted);
    const timed = this.phases.reduce((sum, { count }) => sum + count, 0);
    if (timed !== this.delivered)
      throw new Fault('protocol', `${timed} latencies for ${this.delivered} deliveries`);
  }

  #phaseOf(dueMs) {
    const phase = this.#edges.findIndex((edge) => dueMs < edge);
    return phase < 0 ? this.#edges.length : phase;
  }
}
