/**
 * What was published. Updates of a path are numbered from 1 and published one after the other, so their numbers have the
 * order of their positions. An update without an answer may or may not exist: it is never missed.
 */

/** @typedef {{epoch: string, offset: number} | null} Position */

export class Ledger {
  published = 0;
  /** Path to the acknowledged updates, in order. @type {Map<string, {n: number, position: Position}[]>} */
  #acknowledged = new Map();
  /** @type {Map<string, number>} */
  #numbers = new Map();

  /** Returns the number of the next update of `path`. @param {string} path */
  next(path) {
    const n = (this.#numbers.get(path) ?? 0) + 1;
    this.#numbers.set(path, n);
    return n;
  }

  /** @param {string} path @param {number} n @param {Position} position */
  acknowledge(path, n, position) {
    const list = this.#acknowledged.get(path) ?? [];
    this.#acknowledged.set(path, list);
    list.push({ n, position });
    this.published++;
  }

  /** Returns the numbers of acknowledged updates between two positions of one epoch, neither included. @param {string} path @param {Position} from @param {Position} to */
  between(path, from, to) {
    if (!from || !to || from.epoch !== to.epoch) return [];
    const isMissing = (/** @type {Position} */ position) =>
      position?.epoch === from.epoch && position.offset > from.offset && position.offset < to.offset;
    return this.#newestFirst(
      path,
      ({ position }) => position?.epoch === from.epoch && position.offset <= from.offset,
    )
      .filter(({ position }) => isMissing(position))
      .map(({ n }) => n);
  }

  /** Returns the numbers of acknowledged updates between two numbers, neither included. @param {string} path @param {number} from @param {number} to */
  numbersBetween(path, from, to) {
    return this.#newestFirst(path, ({ n }) => n <= from)
      .filter(({ n }) => n > from && n < to)
      .map(({ n }) => n);
  }

  /** Returns the newest updates of `path` back to the first for which `isEnd` holds. @param {string} path @param {(update: {n: number, position: Position}) => boolean} isEnd */
  #newestFirst(path, isEnd) {
    const list = this.#acknowledged.get(path) ?? [];
    return list.slice(list.findLastIndex(isEnd) + 1);
  }
}
