/**
 * Detects modules that block the event loop, which the whole server shares. Logs the name of a module that ran for long
 * without a pause; when several ran, it logs all of them.
 */
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';

/** The interval of the checks, and how late a check may be. */
const LOOK_MS = 50;
const LATE_MS = 100;

/** Logs the modules that block the event loop. */
export class EventLoopMonitor {
  readonly #clock: Clock;
  readonly #log: Log;
  /** How often each module runs just now. */
  readonly #running = new Map<string, number>();
  /** The modules that ran since the last check: a block may be over before the next one. */
  #ran = new Set<string>();
  #isLooking = false;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Notes that a module begins. */
  begin(name: string): void {
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
    this.#ran.add(name);
    if (!this.#isLooking) this.#lookLater();
  }

  /** Notes that a module is done. */
  end(name: string): void {
    const others = (this.#running.get(name) ?? 1) - 1;
    if (others === 0) this.#running.delete(name);
    else this.#running.set(name, others);
  }

  #lookLater(): void {
    this.#isLooking = true;
    const dueAt = this.#clock.monotonic() + LOOK_MS;
    this.#clock.after(LOOK_MS, () => this.#look(Math.round(this.#clock.monotonic() - dueAt)));
  }

  #look(blockedMs: number): void {
    if (blockedMs >= LATE_MS)
      this.#log.warn({ modules: [...this.#ran], blockedMs }, 'the loop was blocked while these commands ran');
    this.#ran = new Set(this.#running.keys());
    this.#isLooking = this.#running.size > 0;
    if (this.#isLooking) this.#lookLater();
  }
}
