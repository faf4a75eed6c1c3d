import { LinkedMap } from '../core/data/linked-map.js';

/** Places for so many at a time; whoever finds none waits in line, as long as somebody waits for it. */
export class Places {
  #free: number;
  readonly #line = new LinkedMap<() => void, true>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves with true when it has a place, which is to be given back, and with false when the signal was aborted before. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return new Promise((resolve) => {
      const done = (hasPlace: boolean): void => {
        this.#line.delete(called);
        signal.removeEventListener('abort', aborted);
        resolve(hasPlace);
      };
      const called = (): void => done(true);
      const aborted = (): void => done(false);
      this.#line.set(called, true);
      signal.addEventListener('abort', aborted);
    });
  }

  /** Gives a place back, to the first in the line if there is one. */
  giveBack(): void {
    const next = this.#line.oldest?.[0];
    if (next === undefined) this.#free++;
    else next();
  }
}
