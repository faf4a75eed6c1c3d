/**
 * A hashed timer wheel for pings, expiries and timeouts: tens of thousands of timers cost one system timer. A slot is
 * 250 ms. A timer fires up to one slot late, never early.
 */
import type { Cancel, Clock } from './clock.js';

const SLOT_MS = 250;
const SLOTS = 256;

/** A task on the wheel; `cancel` is idempotent. */
export interface WheelTimer {
  cancel(): void;
}

class Entry implements WheelTimer {
  rounds: number;
  readonly task: () => void;
  readonly #slot: Slot;

  constructor(slot: Slot, rounds: number, task: () => void) {
    this.#slot = slot;
    this.rounds = rounds;
    this.task = task;
    slot.entries.add(this);
  }

  cancel(): void {
    if (this.#slot.entries.delete(this)) this.#slot.wheel.size--;
  }
}

interface Slot {
  readonly entries: Set<Entry>;
  readonly wheel: { size: number };
}

/** A hashed timer wheel. It ticks only while it has timers. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #timers = { size: 0 };
  readonly #slots: readonly Slot[] = Array.from({ length: SLOTS }, () => ({
    entries: new Set<Entry>(),
    wheel: this.#timers,
  }));
  #at = 0;
  #nextTick = 0;
  #cancelTick: Cancel | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `task` once, after `ms` to `ms` + 250. An error that it throws ends the process. */
  after(ms: number, task: () => void): WheelTimer {
    if (this.#cancelTick === null) this.#start();
    // Counted from the next tick, not from now: a wheel that catches up ticks faster than time passes.
    const due = this.#clock.monotonic() + ms;
    const ticks = Math.max(1, Math.ceil((due - this.#nextTick) / SLOT_MS) + 1);
    this.#timers.size++;
    const slot = this.#slots[(this.#at + ticks) % SLOTS] as Slot;
    return new Entry(slot, Math.floor((ticks - 1) / SLOTS), task);
  }

  /** Cancels all timers. */
  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = null;
    for (const { entries } of this.#slots) entries.clear();
    this.#timers.size = 0;
  }

  #start(): void {
    this.#nextTick = this.#clock.monotonic() + SLOT_MS;
    this.#cancelTick = this.#clock.after(SLOT_MS, () => this.#tick());
  }

  /** Fires all slots that have passed: a busy event loop ticks late. */
  #tick(): void {
    const now = this.#clock.monotonic();
    while (this.#nextTick <= now) {
      this.#nextTick += SLOT_MS;
      this.#at = (this.#at + 1) % SLOTS;
      this.#fire(this.#slots[this.#at] as Slot);
    }
    this.#cancelTick =
      this.#timers.size === 0 ? null : this.#clock.after(this.#nextTick - now, () => this.#tick());
  }

  #fire({ entries }: Slot): void {
    for (const entry of [...entries]) {
      if (entry.rounds > 0) {
        entry.rounds--;
        continue;
      }
      if (!entries.delete(entry)) continue;
      this.#timers.size--;
      entry.task();
    }
  }
}
