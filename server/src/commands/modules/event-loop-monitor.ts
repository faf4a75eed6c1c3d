/**
 * Watches whether modules block the loop, on which everything else of the server runs too. A module that works for long without a pause
 * is named; when several run, one of them it was.
 */
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';

/** How often it is looked, and how late a look may be. */
const LOOK_MS = 50;
const LATE_MS = 100;

/** One that is watched. */
export interface Watched {
  readonly name: string;
  running: number;
  /** Whether it ran since the last look: a block may be over before anybody looks. */
  hasRun: boolean;
}

/** Says who blocks the loop. */
export class EventLoopMonitor {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #watched: Watched[] = [];
  #running = 0;
  #isLooking = false;
  #dueAt = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Watches whatever has this name. */
  watch(name: string): Watched {
    const known = this.#watched.find((each) => each.name === name);
    if (known !== undefined) return known;
    const watched = { name, running: 0, hasRun: false };
    this.#watched.push(watched);
    return watched;
  }

  /** It begins. */
  begin(watched: Watched): void {
    watched.running++;
    watched.hasRun = true;
    this.#running++;
    if (!this.#isLooking) this.#lookLater();
  }

  /** It is done. */
  end(watched: Watched): void {
    watched.running--;
    this.#running--;
  }

  #lookLater(): void {
    this.#isLooking = true;
    this.#dueAt = this.#clock.monotonic() + LOOK_MS;
    this.#clock.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    const blockedMs = Math.round(this.#clock.monotonic() - this.#dueAt);
    if (blockedMs >= LATE_MS) {
      const modules = this.#watched.filter(({ hasRun }) => hasRun).map(({ name }) => name);
      this.#log.warn({ modules, blockedMs }, 'the loop was blocked while these commands ran');
    }
    for (const watched of this.#watched) watched.hasRun = watched.running > 0;
    this.#isLooking = this.#running > 0;
    if (this.#isLooking) this.#lookLater();
  }
}
