/**
 * Detects modules that block the event loop, which the whole server shares. Logs the name of a module that ran for long
 * without a pause; when several ran, it logs all of them.
 */
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';

/** The interval of the checks, and how late a check may be. */
const LOOK_MS = 50;
const LATE_MS = 100;

/** A watched module. */
export interface Watched {
  readonly name: string;
  running: number;
  /** Whether it ran since the last check: a block may be over before the next one. */
  hasRun: boolean;
}

/** Logs the modules that block the event loop. */
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

  /** Watches the module of this name. */
  watch(name: string): Watched {
    const known = this.#watched.find((each) => each.name === name);
    if (known !== undefined) return known;
    const watched = { name, running: 0, hasRun: false };
    this.#watched.push(watched);
    return watched;
  }

  /** Notes that a module begins. */
  begin(watched: Watched): void {
    watched.running++;
    watched.hasRun = true;
    this.#running++;
    if (!this.#isLooking) this.#lookLater();
  }

  /** Notes that a module is done. */
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
