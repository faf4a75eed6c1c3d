/**
 * Which states may lack what a crash has lost: after a crash all of them, until the back end has published a state anew and calls
 * `complete` for its path.
 */

/** Paths that are remembered as complete, beside those that are kept. */
export const MAX_COMPLETE_PATHS = 100_000;

/** What is known of lost states. */
export class LostStates {
  readonly #complete = new Set<string>();
  #areLost = false;

  /** Whether states were lost, and not all are complete again. */
  get areLost(): boolean {
    return this.#areLost;
  }

  /** Notes a loss: each state that is made from now on may be partial. */
  lose(): void {
    this.#areLost = true;
  }

  /** Whether the state of a path, which is made now, may be partial. */
  isPartial(path: string): boolean {
    return this.#areLost && !this.#complete.has(path);
  }

  /** Notes that the state of a path is complete. */
  complete(path: string): void {
    if (this.#areLost && this.#complete.size < MAX_COMPLETE_PATHS) this.#complete.add(path);
  }
}
