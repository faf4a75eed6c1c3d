/**
 * Decides when outboxes are written. What arrives while a flush is due shares one write per connection.
 * Flushes are paced: after one that took T the next waits up to 2 T, at most 10 ms, so that a busy
 * server gathers more into each system call, while an idle one writes an update as soon as all have been told of it, and
 * everything else at the end of the same turn. A flush
 * runs in slices, starting elsewhere each time, so that no connection is always last. The first slice takes at most 5 ms, the next ones
 * of the same flush 20 and 40: between slices updates come in that make the next flush longer, and without that brake a server
 * at the limit of its memory's speed falls back further with every flush (measured: p99 170 ms with slices of 5, 48 with these).
 */

import type { Clock } from '../time/clock.js';
import { Batch } from './batch.js';
import type { Framing } from './frame.js';

/** What a flusher writes. */
export interface Flushable {
  /** Writes what waits. */
  flush(): void;
}

const PAUSE_FACTOR = 2;
const MAX_PAUSE_MS = 10;
/** A server that has written nothing for so long is idle: what comes next need not wait for more. */
const IDLE_MS = 15;
const FIRST_SLICE_MS = 5;
const SLICE_GROWTH = 4;
const MAX_SLICE_MS = 40;
/** Outboxes written between two looks at the clock. */
const STRIDE = 16;
/** Below this a timer of the system would wait longer than asked. */
const MIN_TIMER_MS = 1;

/** Writes outboxes, paced. */
export class Flusher {
  readonly #clock: Clock;
  readonly #empty: (Batch | undefined)[] = [];
  /** Batches whose bytes were joined since the last flush was over; a slow connection must not keep them. */
  readonly joined: Batch[] = [];
  #dirty: Flushable[] = [];
  #flushing: Flushable[] = [];
  #at = 0;
  #left = 0;
  #turns = 0;
  #spentMs = 0;
  #sliceMs = FIRST_SLICE_MS;
  #isDue = false;
  /** Raised by each appointment and by each flush: an appointment that is not the last one is void. */
  #appointment = 0;
  #notBefore = 0;
  #idleFrom = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The empty batch of a framing: the start of every pending sequence. */
  emptyBatch(framing: Framing): Batch {
    let empty = this.#empty[framing.slot];
    if (empty === undefined) {
      empty = new Batch(framing);
      this.#empty[framing.slot] = empty;
    }
    return empty;
  }

  /** Queues an outbox for the next flush. */
  add(outbox: Flushable): void {
    this.#dirty.push(outbox);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#schedule();
  }

  /** Writes what was added without waiting for the end of the turn, when nothing was written for a while. */
  flushIfIdle(): void {
    if (!this.#isDue || this.#left > 0 || this.#clock.monotonic() < this.#idleFrom) return;
    this.#begin();
  }

  #schedule(): void {
    const appointment = ++this.#appointment;
    const keep = () => {
      if (appointment === this.#appointment) this.#begin();
    };
    const waitMs = this.#notBefore - this.#clock.monotonic();
    if (waitMs < MIN_TIMER_MS) this.#clock.soon(keep);
    else this.#clock.after(waitMs, keep);
  }

  #begin(): void {
    this.#appointment++;
    [this.#flushing, this.#dirty] = [this.#dirty, this.#flushing];
    this.#left = this.#flushing.length;
    this.#turns++;
    this.#at = (this.#turns * 7919) % Math.max(1, this.#left);
    this.#spentMs = 0;
    this.#sliceMs = FIRST_SLICE_MS;
    this.#slice();
  }

  #slice(): void {
    const started = this.#clock.monotonic();
    const outboxes = this.#flushing;
    while (this.#left > 0) {
      (outboxes[this.#at] as Flushable).flush();
      this.#at = this.#at + 1 === outboxes.length ? 0 : this.#at + 1;
      this.#left--;
      if (this.#left % STRIDE === 0 && this.#clock.monotonic() - started >= this.#sliceMs) break;
    }
    const now = this.#clock.monotonic();
    this.#spentMs += now - started;
    this.#sliceMs = Math.min(SLICE_GROWTH * this.#sliceMs, MAX_SLICE_MS);
    if (this.#left > 0) this.#clock.soon(() => this.#slice());
    else this.#finish(now);
  }

  #finish(now: number): void {
    this.#flushing.length = 0;
    for (const empty of this.#empty) empty?.forget();
    for (const batch of this.joined) batch.forget();
    this.joined.length = 0;
    this.#notBefore = now + Math.min(PAUSE_FACTOR * this.#spentMs, MAX_PAUSE_MS);
    this.#idleFrom = now + IDLE_MS;
    this.#isDue = this.#dirty.length > 0;
    if (this.#isDue) this.#schedule();
  }
}
