/** Seeded randomness (mulberry32). Streams have names, so that a step that is left out changes no dice of the others. */

/** A stream of random numbers. */
export class Dice {
  #state: number;

  /** The stream of `names` within `seed`; equal names give equal numbers. */
  constructor(seed: number, ...names: readonly (string | number)[]) {
    let state = seed | 0;
    for (const character of names.join('/')) state = Math.imul(state ^ character.charCodeAt(0), 0x9e3779b1);
    this.#state = state ^ (state >>> 15);
  }

  /** A number in [0, 1). */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /** True in so many of all cases. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** An integer from `least` to `most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** An item of a list. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.next() * items.length)] as T;
  }
}
