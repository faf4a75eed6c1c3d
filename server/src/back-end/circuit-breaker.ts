/**
 * Keeps a back end that is down from being asked: after some failures in a row nothing is asked for a while, which doubles with each failure
 * that follows; then one request is let through to find out.
 */
import type { Clock } from '../core/time/clock.js';

const MAX_FAILURES = 5;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Stands for one request. */
export type CircuitToken = object;

/** Whether a back end is asked. */
export class CircuitBreaker {
  readonly #clock: Clock;
  /** Told when it opens, with the time that nothing is asked, and when it closes again: null. */
  readonly #onChange: (pauseMs: number | null) => void;
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  /** Null while it is closed. */
  #openUntil: number | null = null;
  /** The one that was let through to find out. */
  #probe: CircuitToken | null = null;

  constructor(clock: Clock, onChange: (pauseMs: number | null) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Whether a request may be made: a token, by which its end is told, or null. */
  mayAsk(): CircuitToken | null {
    if (this.#openUntil === null) return {};
    if (this.#probe !== null || this.#clock.monotonic() < this.#openUntil) return null;
    this.#probe = {};
    return this.#probe;
  }

  /** The back end has answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0;
    this.#probe = null;
    if (this.#openUntil === null) return;
    this.#openUntil = null;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#onChange(null);
  }

  /** It has not answered, or said that it cannot. */
  failed(token: CircuitToken): void {
    this.#failures++;
    if (this.#openUntil !== null) {
      // Those that were asked before it opened tell nothing new.
      if (this.#probe !== token) return;
      this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    } else if (this.#failures < MAX_FAILURES) return;
    this.#probe = null;
    this.#openUntil = this.#clock.monotonic() + this.#pauseMs;
    this.#onChange(this.#pauseMs);
  }

  /** Nobody waited for the answer any more: that says nothing of the back end. */
  gaveUp(token: CircuitToken): void {
    if (this.#probe === token) this.#probe = null;
  }
}
