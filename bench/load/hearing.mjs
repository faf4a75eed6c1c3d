/**
 * What one client heard across all its connections, held against what each message must look like. Nothing here ends the run: systems
 * that lose, double or reorder are measured, not refused. What was missed is for judge.mjs to say, once all is published.
 */

/** A jump within one publisher's numbers, and how many gaps had been told by then. @typedef {{from: number, to: number, gapsBefore: number}} Skip */

/**
 * What was heard of one publisher.
 * @typedef {object} Heard
 * @property {number[]} times when each number came, 0 where it did not
 * @property {Skip[]} skips
 * @property {number[]} again numbers that came once more
 */

export class Hearing {
  /** By publisher. @type {Map<number, Heard>} */
  heard = new Map();
  /** In the order in which they came. @type {import('./dialects.mjs').Gap[]} */
  gaps = [];
  /** Updates that came after a later one. */
  disordered = 0;
  /** Updates that nobody published so. */
  altered = 0;
  /** By path. @type {Map<string, {epoch: string, offset: number}>} */
  #positions = new Map();
  #messages;
  #pathOf;

  /**
   * @param {import('./message.mjs').Messages} messages
   * @param {ReadonlyMap<number, string>} pathOf the path of each publisher that this client is to hear
   */
  constructor(messages, pathOf) {
    this.#messages = messages;
    this.#pathOf = pathOf;
  }

  /** Takes the next update. @param {import('./account.mjs').Update} update @param {number} atMs */
  take(update, atMs) {
    const message = /** @type {import('./message.mjs').Message} */ (update.message);
    if (!this.#isSound(update.path, message)) {
      this.altered++;
      return;
    }
    const heard = this.#of(message.p);
    const { times } = heard;
    const { n } = message;
    if (times[n] > 0) {
      heard.again.push(n);
      return;
    }
    const isLate = n < times.length;
    if (n > times.length) {
      heard.skips.push({ from: times.length, to: n - 1, gapsBefore: this.gaps.length });
      while (times.length < n) times.push(0);
    }
    times[n] = atMs;
    if (isLate || this.#isBack(update)) this.disordered++;
  }

  /** Whether it has heard up to the last number of each of these publishers. @param {ReadonlyMap<number, number>} lastOf */
  hasReached(lastOf) {
    for (const p of this.#pathOf.keys()) {
      const last = lastOf.get(p);
      if (last !== undefined && (this.heard.get(p)?.times.length ?? 0) <= last) return false;
    }
    return true;
  }

  #of(p) {
    const known = this.heard.get(p);
    if (known !== undefined) return known;
    /** @type {Heard} */
    const fresh = { times: [], skips: [], again: [] };
    this.heard.set(p, fresh);
    return fresh;
  }

  #isSound(path, message) {
    if (!Number.isInteger(message?.p) || !Number.isInteger(message.n) || message.n < 0) return false;
    if (this.#pathOf.get(message.p) !== path) return false;
    return JSON.stringify(message) === this.#messages.text(message.p, message.n);
  }

  /** Whether its position is not above the last one of its path. */
  #isBack({ path, epoch, offset }) {
    if (epoch === undefined || offset === undefined) return false;
    const last = this.#positions.get(path);
    this.#positions.set(path, { epoch, offset });
    return last !== undefined && last.epoch === epoch && offset <= last.offset;
  }
}
