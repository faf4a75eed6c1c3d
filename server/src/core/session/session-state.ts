/**
 * The values that command handlers store with one session. The version rises with each change, so that concurrent
 * commands notice each other. The state ends with its session.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';

/** Values by name. */
export type StateValues = { readonly [name: string]: Json };

/** The most characters of a session's state, as JSON. There may be very many sessions. */
const MAX_CHARACTERS = 16 * 1024;

const EMPTY: StateValues = Object.freeze({});

export class SessionState {
  #values = EMPTY;
  #version = 0;

  /** Returns the values: an object that is replaced and never changed. */
  get values(): StateValues {
    return this.#values;
  }

  /** Returns the number of changes. */
  get version(): number {
    return this.#version;
  }

  /**
   * Sets names to values, where null removes a name; returns the new version. With `version` only if that is the
   * present one. Errors: `state_conflict`, `too_large`.
   */
  patch(changes: StateValues, version?: number): Outcome<number> {
    const error = this.fault(changes, version);
    if (error !== null) return { error };
    // A copy: the handler may change its own objects afterwards.
    this.#values = merged(this.#values, written(changes));
    return { value: ++this.#version };
  }

  /** Returns why these changes are not possible, or null. */
  fault(changes: StateValues, version?: number): ErrorBody | null {
    if (version !== undefined && version !== this.#version) return errorBody('state_conflict');
    if (JSON.stringify(merged(this.#values, written(changes))).length <= MAX_CHARACTERS) return null;
    const message = `The state of a session has room for ${MAX_CHARACTERS} characters of JSON.`;
    return errorBody('too_large', { message });
  }

  /** Sets values and version: those of the previous server, or those before a patch that is undone. */
  restore(values: StateValues, version: number): void {
    this.#values = values;
    this.#version = version;
  }
}

/** Returns changes as JSON has them: a value that is written as null removes its name. */
const written = (changes: StateValues): StateValues => JSON.parse(JSON.stringify(changes));

/** Returns an object without a prototype, so that `__proto__` is a name like any other. */
function merged(values: StateValues, changes: StateValues): StateValues {
  const next: Record<string, Json> = Object.assign(Object.create(null), values);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete next[name];
    else next[name] = value;
  }
  return Object.freeze(next);
}
