/**
 * The account of what one client heard, held against what each message must look like. It counts and never throws: what a wrong count means
 * is the bench's to say. Each update must come once, unaltered, each publisher's in the order of its numbers, with rising positions.
 */

/** An update as a dialect decodes it. @typedef {{path: string, message: unknown, offset?: number, epoch?: string}} Update */
/** A sound update. @typedef {{p: number, n: number, sentMs: number, stream: number, offset?: number, epoch?: string}} Heard */
/** A jump within one publisher's numbers, and how many gaps had come by then. @typedef {{p: number, from: number, to: number, gapsBefore: number}} Skip */

export class Hearing {
  /** Updates that came, each counted once. */
  count = 0;
  /** Updates that came after a later one, or in another epoch without a gap. */
  disordered = 0;
  /** Updates that no publisher published so. */
  altered = 0;
  /** Updates that came once more. @type {{p: number, n: number}[]} */
  again = [];
  /** @type {Skip[]} */
  skips = [];
  /** In the order in which they came. @type {import('./dialects.mjs').Gap[]} */
  gaps = [];
  /** The first update that was wrong, in words. @type {string | null} */
  firstWrong = null;
  /** By publisher, the number that is due. @type {number[]} */
  #due = [];
  /** Numbers that were skipped and have not come. @type {Set<string>} */
  #missing = new Set();
  /** By stream, the last update. @type {(Heard | undefined)[]} */
  #last = [];
  /** The first publisher of each path; its number names the stream. @type {Map<string, number>} */
  #streams = new Map();
  #messages;
  #pathOf;
  #onHeard;

  /**
   * @param {import('./message.mjs').Messages} messages
   * @param {ReadonlyMap<number, string>} pathOf the path of each publisher that this client is to hear
   * @param {(heard: Heard, atMs: number) => void} onHeard called for each update that comes for the first time
   */
  constructor(messages, pathOf, onHeard) {
    this.#messages = messages;
    this.#pathOf = pathOf;
    this.#onHeard = onHeard;
    for (const [p, path] of pathOf) {
      this.#due[p] = 0;
      if (!this.#streams.has(path)) this.#streams.set(path, p);
    }
  }

  /** Takes the next update. Returns it when it is sound and came in its turn, else null. @param {Update} update @param {number} atMs */
  take({ path, message, offset, epoch }, atMs) {
    const named = this.#messages.read(message);
    if (named === null || this.#pathOf.get(named.p) !== path) {
      this.alter(`${path} ${JSON.stringify(message)}, which was never published`);
      return null;
    }
    const { p, n, t } = named;
    const heard = { p, n, sentMs: t / 1000, stream: this.#streams.get(path) ?? p, offset, epoch };
    return this.hear(heard, atMs) ? heard : null;
  }

  /** Counts a sound update. Returns whether it came in its turn. @param {Heard} heard @param {number} atMs */
  hear(heard, atMs) {
    const { p, n, stream, offset, epoch } = heard;
    const due = this.#due[p];
    if (n < due && !this.#missing.delete(`${p} ${n}`)) {
      this.again.push({ p, n });
      this.#note(`message ${n} of publisher ${p} came again, where ${due} was due`);
      return false;
    }
    if (n > due) this.#skip(p, due, n - 1);
    if (n >= due) this.#due[p] = n + 1;
    this.count++;
    this.#onHeard(heard, atMs);
    const last = this.#last[stream];
    const isBack = n < due || (last !== undefined && (epoch !== last.epoch || offset <= last.offset));
    this.#last[stream] = heard;
    if (!isBack) return n === due;
    this.disordered++;
    this.#note(
      `message ${n} of publisher ${p} came at ${epoch} ${offset}, after ${last?.epoch} ${last?.offset}`,
    );
    return false;
  }

  /** Notes a gap; after it positions may begin anew. @param {import('./dialects.mjs').Gap} gap */
  gap(gap) {
    this.gaps.push(gap);
    const stream = this.#streams.get(gap.path);
    if (stream !== undefined) this.#last[stream] = undefined;
  }

  /** Counts an altered update. @param {string} why */
  alter(why) {
    this.altered++;
    this.#note(why);
  }

  /** Returns whether it has heard up to the last number of each of its publishers. @param {ReadonlyMap<number, number>} lastOf */
  hasReached(lastOf) {
    for (const p of this.#pathOf.keys()) if (this.#due[p] <= (lastOf.get(p) ?? -1)) return false;
    return true;
  }

  #skip(p, from, to) {
    this.skips.push({ p, from, to, gapsBefore: this.gaps.length });
    for (let n = from; n <= to; n++) this.#missing.add(`${p} ${n}`);
    this.#note(`message ${to + 1} of publisher ${p} came where ${from} was due`);
  }

  #note(why) {
    this.firstWrong ??= why;
  }
}
