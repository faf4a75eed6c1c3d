/** Bytes that something of many clients may hold together, so that what waits is counted by what it holds. */

/** A bound on bytes. */
export class ByteBudget {
  readonly maxBytes: number;
  #held = 0;

  /** @param maxBytes what may be held at a time */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes that are held. */
  get held(): number {
    return this.#held;
  }

  /** Holds so many bytes more; false, and nothing is held, when there is no room. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.maxBytes) return false;
    this.#held += bytes;
    return true;
  }

  /** Gives bytes back that `take` was true of. */
  release(bytes: number): void {
    this.#held -= bytes;
  }
}
