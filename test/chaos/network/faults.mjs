/** Which faults the proxy does to a connection, and how many of each it did. Drawn by the seed, once for each request. */

/**
 * What happens to one request or WebSocket. Times in ms; Infinity stands for never.
 * @typedef {object} Fault
 * @property {number} delayMs before each piece, in both directions, at most
 * @property {number} holdMs before the client's first bytes are delivered
 * @property {number} cutMs until both sides are closed
 * @property {boolean} isReset a cut is a TCP reset
 * @property {number} swallowDownMs until what the server sends vanishes
 * @property {number} swallowUpMs until what the client sends vanishes
 * @property {boolean} isBuffered an event stream passes only when it ends, or after 30 s
 * @property {number | null} status what the proxy answers by itself
 */

/** @type {Fault} */
const NONE = {
  delayMs: 0,
  holdMs: 0,
  cutMs: Number.POSITIVE_INFINITY,
  isReset: false,
  swallowDownMs: Number.POSITIVE_INFINITY,
  swallowUpMs: Number.POSITIVE_INFINITY,
  isBuffered: false,
  status: null,
};
const WEIGHTS = { none: 40, delay: 20, hold: 14, cut: 8, swallowDown: 5, swallowUp: 5, buffer: 4, answer: 4 };
const STATUSES = [502, 503, 400];
const DELAY_MS = 300;
const CUT_MS = 6_000;
const SWALLOW_MS = 4_000;
/** By so much a late `open` misses the client's patience. */
const LATE_MS = [100, 2_500];

export class Faults {
  counts = {
    requests: 0,
    cuts: 0,
    lateOpens: 0,
    lateOthers: 0,
    swallowed: 0,
    buffered: 0,
    answered: 0,
    delayed: 0,
  };
  #chance;
  #openTimeoutMs;

  /** @param {import('../chance.mjs').Chance} chance @param {number} openTimeoutMs the clients' patience */
  constructor(chance, openTimeoutMs) {
    this.#chance = chance;
    this.#openTimeoutMs = openTimeoutMs;
  }

  /** Returns what happens to the next request. @returns {Fault} */
  draw() {
    const chance = this.#chance;
    this.counts.requests++;
    switch (chance.weighted(WEIGHTS)) {
      case 'delay':
        this.counts.delayed++;
        return { ...NONE, delayMs: chance.between(10, DELAY_MS) };
      case 'hold':
        return { ...NONE, holdMs: this.#openTimeoutMs + chance.between(LATE_MS[0], LATE_MS[1]) };
      case 'cut':
        return { ...NONE, cutMs: chance.between(0, CUT_MS), isReset: chance.is(0.4) };
      case 'swallowDown':
        return { ...NONE, swallowDownMs: chance.between(0, SWALLOW_MS) };
      case 'swallowUp':
        return { ...NONE, swallowUpMs: chance.between(0, SWALLOW_MS) };
      case 'buffer':
        return { ...NONE, isBuffered: true };
      case 'answer':
        return { ...NONE, status: chance.pick(STATUSES) };
      default:
        return NONE;
    }
  }

  /** Returns how long a piece waits. @param {Fault} fault */
  jitterMs({ delayMs }) {
    return delayMs === 0 ? 0 : this.#chance.between(0, delayMs);
  }

  /** @param {number} probability */
  is(probability) {
    return this.#chance.is(probability);
  }
}

/** Returns no fault at all. @returns {Fault} */
export function noFault() {
  return NONE;
}
