/** A seeded generator of random numbers (mulberry32). Each part of a run has a generator of its own, forked by name. */
export class Chance {
  #seed;
  #state;

  /** @param {number} seed a 32-bit integer */
  constructor(seed) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** Returns a generator for the part `name`, independent of how often this one was used. @param {string} name */
  fork(name) {
    let hash = this.#seed ^ 0x811c9dc5;
    for (const character of name)
      hash = Math.imul(hash ^ /** @type {number} */ (character.codePointAt(0)), 0x01000193);
    return new Chance(hash);
  }

  /** Returns a number in [0, 1). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns true with this probability. @param {number} probability */
  is(probability) {
    return this.next() < probability;
  }

  /** Returns an integer from `min` to `max`, both included. @param {number} min @param {number} max */
  between(min, max) {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  pick(list) {
    return /** @type {T} */ (list[this.between(0, list.length - 1)]);
  }

  /** Returns a new list in random order. @template T @param {readonly T[]} list */
  shuffled(list) {
    const order = list.map((item) => ({ item, key: this.next() }));
    return order.sort((a, b) => a.key - b.key).map(({ item }) => item);
  }

  /** Returns a name of `weights`, as often as its weight says. @template {string} K @param {Readonly<Record<K, number>>} weights @returns {K} */
  weighted(weights) {
    const entries = /** @type {[K, number][]} */ (Object.entries(weights));
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return /** @type {[K, number]} */ (entries.at(-1))[0];
  }
}
