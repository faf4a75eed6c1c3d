/** Lets so many through at a time; so many others wait, in the order of their coming, and the rest is turned away at once. */

/** A bound on what is under way and on what waits. */
export class Gate {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: { readonly maxRunning: number; readonly maxWaiting: number }) {
    this.#maxRunning = options.maxRunning;
    this.#maxWaiting = options.maxWaiting;
  }

  /** Runs `task` when there is room, and answers its result; null: it was turned away, and `task` is never run. */
  async pass<T>(task: () => Promise<T>): Promise<T | null> {
    if (this.#running >= this.#maxRunning) {
      if (this.#waiting.length >= this.#maxWaiting) return null;
      // Whoever leaves hands its place on, so that nobody who comes then takes it first.
      await new Promise<void>((enter) => this.#waiting.push(enter));
    } else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
