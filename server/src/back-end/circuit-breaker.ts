/**
 * A circuit breaker for a back end. It opens after five failures in a row and closes when a probe succeeds. The pause
 * before each probe doubles, up to 30 s.
 */
import type { Clock } from '../core/time/clock.js';

const MAX_FAILURES = 5;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Identifies one request. */
export type CircuitToken = object;

/** Decides whether requests are sent. */
export class CircuitBreaker {
  readonly #clock: Clock;
  /** Receives the pause when the breaker opens, and null when it closes. */
  readonly #onChange: (pauseMs: number | null) => void;
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  /** Null while it is closed. */
  #openUntil: number | null = null;
  /** The request that tests an open breaker. */
  #probe: CircuitToken | null = null;

  constructor(clock: Clock, onChange: (pauseMs: number | null) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Returns a token for a request that may be sent, or null while the breaker is open. */
  allow(): CircuitToken | null {
    if (this.#openUntil === null) return {};
    if (this.#probe !== null || this.#clock.monotonic() < this.#openUntil) return null;
    this.#probe = {};
    return this.#probe;
  }

  /** Records an answer of any content; closes the breaker. */
  succeeded(): void {
    this.#failures = 0;
    this.#probe = null;
    if (this.#openUntil === null) return;
    this.#openUntil = null;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#onChange(null);
  }

  /** Records that the back end did not answer, or answered that it is down. */
  failed(token: CircuitToken): void {
    this.#failures++;
    if (this.#openUntil !== null) {
      // Requests from before the opening do not count.
      if (this.#probe !== token) return;
      this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    } else if (this.#failures < MAX_FAILURES) return;
    this.#probe = null;
    this.#openUntil = this.#clock.monotonic() + this.#pauseMs;
    this.#onChange(this.#pauseMs);
  }

  /** Ends a request without a result, such as one that its caller has cancelled. */
  cancelled(token: CircuitToken): void {
    if (this.#probe === token) this.#probe = null;
  }
}
