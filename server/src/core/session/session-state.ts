/**
 * What handlers of commands remember of one session: names and values, with a version that rises with each change, so that two
 * commands that run side by side can tell whether the other was quicker. Forgotten with its session.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';

/** Names and values. */
export type StateValues = { readonly [name: string]: Json };

/** What a session's state may have, as JSON: characters. There may be very many sessions. */
const MAX_CHARACTERS = 16 * 1024;

const EMPTY: StateValues = Object.freeze({});

/** The state of one session. */
export class SessionState {
  #values = EMPTY;
  #version = 0;

  /** The values; never changed, but replaced. */
  get values(): StateValues {
    return this.#values;
  }

  /** How often it was changed; 0 before the first change. */
  get version(): number {
    return this.#version;
  }

  /**
   * Sets names to values, where null removes a name; answers the new version. With `version` only if that is the present
   * one. Errors: `state_conflict`, `too_large`.
   */
  patch(changes: StateValues, version?: number): Outcome<number> {
    const error = this.fault(changes, version);
    if (error !== null) return { error };
    // By copy: what a handler does to its own objects afterwards changes nothing.
    this.#values = merged(this.#values, written(changes));
    return { value: ++this.#version };
  }

  /** Why it cannot be changed so, or null. */
  fault(changes: StateValues, version?: number): ErrorBody | null {
    if (version !== undefined && version !== this.#version) return errorBody('state_conflict');
    if (JSON.stringify(merged(this.#values, written(changes))).length <= MAX_CHARACTERS) return null;
    const message = `The state of a session has room for ${MAX_CHARACTERS} characters of JSON.`;
    return errorBody('too_large', { message });
  }

  /** Sets values and version: what they were on the server before, or before a patch that is undone. */
  restore(values: StateValues, version: number): void {
    this.#values = values;
    this.#version = version;
  }
}

/** Changes as their JSON says them: what is written as null removes its name. */
const written = (changes: StateValues): StateValues => JSON.parse(JSON.stringify(changes));

/** Without a prototype, so that a name such as __proto__ is a name like any other. */
function merged(values: StateValues, changes: StateValues): StateValues {
  const next: Record<string, Json> = Object.assign(Object.create(null), values);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete next[name];
    else next[name] = value;
  }
  return Object.freeze(next);
}
