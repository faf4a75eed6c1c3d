/**
 * Times of single deliveries, counted in bins of 10 µs (1 ms above 2.5 s), so that runs are merged exactly and no percentile is ever averaged.
 */
import { Fault } from './fault.mjs';

const BINS_PER_MS = 100;
/** Beyond it bins are of 1 ms. Clients that were gone for 2 s still differ. */
const FINE_MS = 2_500;
const FINE_BINS = FINE_MS * BINS_PER_MS;
const BINS = FINE_BINS + 120_000;

export class Samples {
  count = 0;
  #bins = new Uint32Array(BINS);

  /** Returns all that these counted. @param {[number, number][][]} parts as `toJSON` answers them */
  static of(parts) {
    const all = new Samples();
    for (const part of parts) all.merge(part);
    return all;
  }

  add(ms) {
    if (ms < 0)
      throw new Fault('protocol', `received ${-ms} ms before it was published: the clocks disagree`);
    const bin = ms < FINE_MS ? Math.floor(ms * BINS_PER_MS) : FINE_BINS + Math.floor(ms - FINE_MS);
    this.#bins[Math.min(bin, BINS - 1)]++;
    this.count++;
  }

  /** Returns the upper edge in ms of the bin that holds the `fraction` quantile, or null without samples. */
  quantile(fraction) {
    let left = Math.ceil(this.count * fraction);
    if (left === 0) return null;
    for (let bin = 0; bin < BINS; bin++) {
      left -= this.#bins[bin];
      if (left <= 0) return bin < FINE_BINS ? (bin + 1) / BINS_PER_MS : bin - FINE_BINS + FINE_MS + 1;
    }
    return null;
  }

  /** Returns the bins that are not empty, for another process. @returns {[number, number][]} */
  toJSON() {
    const bins = [];
    for (let bin = 0; bin < BINS; bin++) if (this.#bins[bin] > 0) bins.push([bin, this.#bins[bin]]);
    return bins;
  }

  /** Adds what another process counted. */
  merge(bins) {
    for (const [bin, count] of bins) {
      this.#bins[bin] += count;
      this.count += count;
    }
  }
}
