/**
 * Remembers which states may be partial after a crash: each one until the back end has published it again and called
 * `complete` for its path.
 */

/** Paths that are remembered as complete, beside those that are stored. */
export const MAX_COMPLETE_PATHS = 100_000;

/** Tracks which states are partial. */
export class LostStates {
  readonly #complete = new Set<string>();
  #areLost = false;

  /** Returns whether states were lost. */
  get areLost(): boolean {
    return this.#areLost;
  }

  /** Notes a loss: each state that is made from now on may be partial. */
  lose(): void {
    this.#areLost = true;
  }

  /** Returns whether the state of a path that is made now may be partial. */
  isPartial(path: string): boolean {
    return this.#areLost && !this.#complete.has(path);
  }

  /** Notes that the state of a path is complete. */
  complete(path: string): void {
    if (this.#areLost && this.#complete.size < MAX_COMPLETE_PATHS) this.#complete.add(path);
  }
}
