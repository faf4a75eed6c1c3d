/**
 * Times of every single delivery. While the load runs only chunks are noted (when, from which byte to which of the canonical stream);
 * afterwards each delivery in each chunk gets its own time. Samples are counted in bins of 10 µs (1 ms above 2.5 s), so runs are merged
 * exactly and no percentile is ever averaged.
 */
import { doubled } from './canon.mjs';
import { Fault } from './fault.mjs';

const BINS_PER_MS = 100;
/** Beyond it bins are of 1 ms. Clients that were gone for 2 s are still told apart. */
const FINE_MS = 2_500;
const FINE_BINS = FINE_MS * BINS_PER_MS;
const BINS = FINE_BINS + 120_000;
const MAX_CHUNKS = 32 * 1024 * 1024;

export class ChunkLog {
  count = 0;
  #times = new Float64Array(65536);
  #spans = new Uint32Array(2 * 65536);

  /** Notes that bytes `from` to `to` of the canonical stream arrived at `timeMs`. */
  add(timeMs, from, to) {
    if (this.count === this.#times.length) {
      if (this.count >= MAX_CHUNKS)
        throw new Fault('protocol', `more than ${MAX_CHUNKS} chunks in one phase`);
      this.#times = doubled(this.#times);
      this.#spans = doubled(this.#spans);
    }
    this.#times[this.count] = timeMs;
    this.#spans[2 * this.count] = from;
    this.#spans[2 * this.count + 1] = to;
    this.count++;
  }

  /** Times every delivery. @param {import('./canon.mjs').Canon} canon @param {(slot: number) => number} publishedAt */
  samples(canon, publishedAt) {
    const published = Float64Array.from({ length: canon.count }, (_, i) => publishedAt(canon.slotOf(i)));
    const samples = new Samples();
    for (let chunk = 0; chunk < this.count; chunk++) {
      const last = canon.framesWithin(this.#spans[2 * chunk + 1]);
      for (let i = canon.framesWithin(this.#spans[2 * chunk]); i < last; i++)
        samples.add(this.#times[chunk] - published[i]);
    }
    return samples;
  }

  clear() {
    this.count = 0;
  }
}

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
