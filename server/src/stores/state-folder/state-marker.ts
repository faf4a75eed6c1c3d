/**
 * A file that marks a state folder whose server has states. A server that finds it, and an empty store, knows that
 * states are lost.
 */
import { existsSync, writeFileSync } from 'node:fs';

export class StateMarker {
  readonly #file: string;
  readonly #onFault: (error: unknown) => void;
  /** Whether there is a state, or was before the start. */
  isSet: boolean;

  /** Calls `onFault` when the marker cannot be written. */
  constructor(file: string, onFault: (error: unknown) => void) {
    this.#file = file;
    this.#onFault = onFault;
    this.isSet = existsSync(file);
  }

  /** Notes that there is a state from now on. Idempotent, and cheap. */
  set(): void {
    if (this.isSet) return;
    this.isSet = true;
    try {
      writeFileSync(this.#file, '', { mode: 0o600 });
    } catch (error) {
      this.#onFault(error);
    }
  }
}
