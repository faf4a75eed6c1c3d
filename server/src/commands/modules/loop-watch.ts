/**
 * Watches whether modules block the loop, on which everything else of the server runs too. A module that works for long without a pause
 * is named; when several run, one of them it was.
 */
import type { Clock } from '../../core/clock.js';
import type { Log } from '../../observe/log.js';

/** How often it is looked, and how late a look may be. */
const LOOK_MS = 50;
const LATE_MS = 100;

/** Says who blocks the loop. */
export class LoopWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #running = new Map<string, number>();
  /** Those that have ended since the last look: a block may be over before anybody looks. */
  readonly #ended = new Set<string>();
  #isLooking = false;
  #dueAt = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A module begins. */
  begin(name: string): void {
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
    if (!this.#isLooking) this.#lookLater();
  }

  /** A module is done. */
  end(name: string): void {
    const left = (this.#running.get(name) ?? 0) - 1;
    if (left > 0) this.#running.set(name, left);
    else {
      this.#running.delete(name);
      this.#ended.add(name);
    }
  }

  #lookLater(): void {
    this.#isLooking = true;
    this.#dueAt = this.#clock.monotonic() + LOOK_MS;
    this.#clock.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    const blockedMs = Math.round(this.#clock.monotonic() - this.#dueAt);
    const modules = [...new Set([...this.#running.keys(), ...this.#ended])];
    this.#ended.clear();
    if (blockedMs >= LATE_MS) {
      this.#log.warn({ modules, blockedMs }, 'the loop was blocked while these commands ran');
    }
    this.#isLooking = this.#running.size > 0;
    if (this.#isLooking) this.#lookLater();
  }
}
