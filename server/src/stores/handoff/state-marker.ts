/**
 * A file that says that this state folder's server has states, which a crash loses. A server that finds it and no handoff knows that its
 * states may be partial: what was there before is gone, and only what is published since is known.
 */
import { existsSync, writeFileSync } from 'node:fs';

/** The marker of a state folder. */
export class StateMarker {
  readonly #file: string;
  readonly #onFault: (error: unknown) => void;
  #isSet: boolean;

  /** `onFault` is told of a marker that cannot be written. */
  constructor(file: string, onFault: (error: unknown) => void) {
    this.#file = file;
    this.#onFault = onFault;
    this.#isSet = existsSync(file);
  }

  /** Whether there were states before. */
  get isSet(): boolean {
    return this.#isSet;
  }

  /** There is a state from now on. Idempotent, and cheap. */
  set(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    try {
      writeFileSync(this.#file, '', { mode: 0o600 });
    } catch (error) {
      this.#onFault(error);
    }
  }
}
