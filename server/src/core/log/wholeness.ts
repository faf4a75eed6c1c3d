/**
 * Whether the states of paths are known to be whole. After a crash they are not: what is published since is a part of what there was,
 * until the back end, which has published all of it anew, says `complete`.
 */

/** Paths of which it is remembered that they are complete, beside those that are kept. */
export const MAX_COMPLETE_PATHS = 100_000;

/** What is known of all states. */
export class Wholeness {
  readonly #complete = new Set<string>();
  #areLost = false;

  /** Whether states were lost, and not all are said to be complete. */
  get areLost(): boolean {
    return this.#areLost;
  }

  /** States were lost: every state that is made from now on may be partial. */
  lose(): void {
    this.#areLost = true;
  }

  /** Whether the state of a path, which is made now, may be partial. */
  isPartial(path: string): boolean {
    return this.#areLost && !this.#complete.has(path);
  }

  /** The state of a path is whole. */
  complete(path: string): void {
    if (this.#areLost && this.#complete.size < MAX_COMPLETE_PATHS) this.#complete.add(path);
  }
}
