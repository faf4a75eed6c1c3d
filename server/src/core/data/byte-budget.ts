/** Bounds the bytes that the waiting requests of all clients hold together. */
export class ByteBudget {
  readonly maxBytes: number;
  #held = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Returns the bytes in use. */
  get held(): number {
    return this.#held;
  }

  /** Takes so many bytes, or returns false when they do not fit. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.maxBytes) return false;
    this.#held += bytes;
    return true;
  }

  /** Returns taken bytes to the budget. */
  release(bytes: number): void {
    this.#held -= bytes;
  }
}
