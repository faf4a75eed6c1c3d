/** Ids that can be foretold: `session-1`, `epoch001`, and a fraction that the test sets. */
import type { IdSource } from '../../src/core/time/clock.js';

export class FakeIds implements IdSource {
  nextFraction = 0.5;
  #sessions = 0;
  #epochs = 0;

  sessionId(): string {
    this.#sessions++;
    return `session-${this.#sessions}`;
  }

  epoch(): string {
    this.#epochs++;
    return `epoch${String(this.#epochs).padStart(3, '0')}`;
  }

  fraction(): number {
    return this.nextFraction;
  }
}
