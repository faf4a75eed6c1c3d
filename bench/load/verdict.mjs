/**
 * Holds what clients that come back heard against what was published and accepted: delivered, missed and announced by a gap before anything
 * later, or missed in silence. An update that never came counts as one that took for ever.
 */
import { Samples } from './samples.mjs';

/**
 * A time in which a client was subscribed.
 * @typedef {{connectMs: number, from: number, to: number}} Span `connectMs` is when it began to connect
 */
/**
 * A client as far as it is judged.
 * @typedef {{hearing: import('./hearing.mjs').Hearing, times: ReadonlyMap<number, number[]>, spans: Span[]}} Judged
 */

/** Deliveries that were due, with the time of those that came. */
class Deliveries {
  expected = 0;
  delivered = 0;
  samples = new Samples();

  /** @param {number} tookMs Infinity for one that never came */
  add(tookMs) {
    this.expected++;
    if (tookMs === Number.POSITIVE_INFINITY) return;
    this.delivered++;
    this.samples.add(tookMs);
  }

  /** Adds what another process counted, as JSON. */
  merge(other) {
    this.expected += other.expected;
    this.delivered += other.delivered;
    this.samples.merge(other.samples);
  }

  /** Of all that was expected: Infinity where too few came. @param {number} fraction @returns {number | null} */
  quantile(fraction) {
    if (this.expected === 0) return null;
    const rank = Math.max(1, Math.ceil(this.expected * fraction));
    if (rank > this.delivered) return Number.POSITIVE_INFINITY;
    return this.samples.quantile((rank - 0.5) / this.delivered);
  }
}

const TALLIES = ['all', 'online', 'caughtUp', 'before', 'during', 'after'];
const COUNTS = ['announced', 'silent', 'doubled', 'doubledByRetry', 'disordered', 'altered'];

/** What became of all clients of one run. */
export class Verdict {
  all = new Deliveries();
  /** Only what was published while its client was subscribed. */
  online = new Deliveries();
  /** Only what was published while its client was not, with the time that it took from when the client began to come back. */
  caughtUp = new Deliveries();
  /** By when an update was published: before, during and after what befell the server or some clients. */
  before = new Deliveries();
  during = new Deliveries();
  after = new Deliveries();
  /** Missed, and announced by a gap before anything later came. */
  announced = 0;
  /** Missed without a gap. */
  silent = 0;
  doubled = 0;
  /** Doubled where its publisher had sent it more than once, having got no answer. */
  doubledByRetry = 0;
  disordered = 0;
  altered = 0;
  /** Gaps by reason. @type {Record<string, number>} */
  gaps = {};
  /** How many positions got so many gaps. @type {Record<string, number>} */
  positionsByGaps = {};

  /**
   * @param {Judged} client
   * @param {import('./publishers.mjs').Published[]} published by the publishers that this client was to hear
   * @param {number[]} edges when the first two phases end; none when this client counts in no phase
   */
  judge(client, published, edges) {
    const { disordered, altered, again, gaps } = client.hearing;
    this.disordered += disordered;
    this.altered += altered;
    for (const { p, n } of again) {
      const isRetried = published.some((each) => each.p === p && each.isRetried[n]);
      this[isRetried ? 'doubledByRetry' : 'doubled']++;
    }
    for (const each of published) for (const n of each.sentMs.keys()) this.#judgeOne(client, each, n, edges);
    this.gaps = countAll([this.gaps, ...gaps.map(({ reason }) => ({ [reason]: 1 }))]);
    for (const path of new Set(published.map((each) => each.path))) {
      const count = gaps.filter((gap) => gap.path === path).length;
      this.positionsByGaps[count] = (this.positionsByGaps[count] ?? 0) + 1;
    }
  }

  /** Adds another process's verdict, as JSON. */
  merge(other) {
    for (const name of TALLIES) this[name].merge(other[name]);
    for (const name of COUNTS) this[name] += other[name];
    this.gaps = countAll([this.gaps, other.gaps]);
    this.positionsByGaps = countAll([this.positionsByGaps, other.positionsByGaps]);
  }

  #judgeOne({ hearing, times, spans }, published, n, edges) {
    const sentMs = published.sentMs[n];
    const atMs = times.get(published.p)?.[n];
    if (atMs === undefined && !published.isAccepted[n]) return;
    const tookMs = (atMs ?? Number.POSITIVE_INFINITY) - sentMs;
    this.all.add(tookMs);
    if (edges.length > 0) this.#phaseOf(sentMs, edges).add(tookMs);
    const span = spans.find(({ to }) => sentMs < to);
    if (span !== undefined && span.from <= sentMs) this.online.add(tookMs);
    else this.caughtUp.add(tookMs - Math.max(0, (span?.connectMs ?? sentMs) - sentMs));
    if (atMs !== undefined) return;
    if (isAnnounced(hearing, published, n)) this.announced++;
    else this.silent++;
  }

  #phaseOf(sentMs, [begunMs, overMs]) {
    if (sentMs < begunMs) return this.before;
    return sentMs < overMs ? this.during : this.after;
  }
}

/** Whether a gap names number `n`, and came before anything later of its publisher. */
function isAnnounced({ skips, gaps }, { p, path, positions }, n) {
  const position = positions[n];
  if (position === null) return false;
  const skip = skips.find((each) => each.p === p && each.from <= n && n <= each.to);
  return gaps.slice(0, skip?.gapsBefore).some((gap) => gap.path === path && covers(gap, position));
}

/** Whether `position` is after `from` and up to `to`; of another epoch than `to`, all after `from` is. */
function covers({ from, to }, { epoch, offset }) {
  const isAfterFrom = from === null || epoch !== from.epoch || offset > from.offset;
  if (epoch === to?.epoch) return isAfterFrom && offset <= to.offset;
  return epoch === from?.epoch && offset > from.offset;
}

/** Returns the sums of what is counted under the same names. @param {Record<string, number>[]} all @returns {Record<string, number>} */
export function countAll(all) {
  const sums = {};
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
