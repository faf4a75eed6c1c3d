/**
 * One wheel for all pings, expiries and waits: a slot a quarter of a second, so that tens of
 * thousands of timers cost one timer of the system. A timer fires up to one slot late, never early.
 */
import type { Cancel, Clock } from './clock.js';

const SLOT_MS = 250;
const SLOTS = 256;

/** A task on the wheel; `cancel` is idempotent. */
export interface WheelTimer {
  cancel(): void;
}

interface Entry extends WheelTimer {
  rounds: number;
  readonly task: () => void;
}

/** A hashed timer wheel. It runs only while it holds timers. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: Set<Entry>[] = Array.from({ length: SLOTS }, () => new Set());
  #at = 0;
  #size = 0;
  #nextTick = 0;
  #cancelTick: Cancel | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `task` once, `ms` from now or up to 250 ms later. What it throws ends the process. */
  after(ms: number, task: () => void): WheelTimer {
    if (this.#cancelTick === null) this.#start();
    // From the next tick, not from now: a wheel that catches up ticks faster than time passes.
    const due = this.#clock.monotonic() + ms;
    const ticks = Math.max(1, Math.ceil((due - this.#nextTick) / SLOT_MS) + 1);
    const slot = this.#slots[(this.#at + ticks) % SLOTS] as Set<Entry>;
    const entry: Entry = {
      rounds: Math.floor((ticks - 1) / SLOTS),
      task,
      cancel: () => {
        if (slot.delete(entry)) this.#size--;
      },
    };
    slot.add(entry);
    this.#size++;
    return entry;
  }

  /** Drops every timer. */
  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = null;
    for (const slot of this.#slots) slot.clear();
    this.#size = 0;
  }

  #start(): void {
    this.#nextTick = this.#clock.monotonic() + SLOT_MS;
    this.#cancelTick = this.#clock.after(SLOT_MS, () => this.#tick());
  }

  /** Catches up with every slot that has passed: a busy loop ticks late. */
  #tick(): void {
    const now = this.#clock.monotonic();
    while (this.#nextTick <= now) {
      this.#nextTick += SLOT_MS;
      this.#at = (this.#at + 1) % SLOTS;
      this.#fire(this.#slots[this.#at] as Set<Entry>);
    }
    this.#cancelTick = this.#size === 0 ? null : this.#clock.after(this.#nextTick - now, () => this.#tick());
  }

  #fire(slot: Set<Entry>): void {
    for (const entry of [...slot]) {
      if (entry.rounds > 0) {
        entry.rounds--;
        continue;
      }
      if (!slot.delete(entry)) continue;
      this.#size--;
      entry.task();
    }
  }
}
