/**
 * Decides when outboxes are written. Frames that arrive while a flush is due share one write per connection. Flushes
 * are paced: after a flush of duration T the next one waits 2 T, at most 10 ms. So a busy server gathers more into each
 * system call. An idle server writes an update right after its fan-out, and other frames at the end of the turn.
 *
 * A flush runs in slices and starts at another connection each time, so that no connection is always last. The slices
 * of a flush take at most 5, 20, then 40 ms. Updates between slices lengthen the next flush: with slices of 5 ms an
 * overloaded server falls back further with every flush (measured p99: 170 ms, with growing slices 48).
 */

import type { Clock } from '../time/clock.js';
import { Batch } from './batch.js';
import type { Encoding } from './encoding.js';

/** An outbox, as the flusher uses it. */
export interface Flushable {
  /** Writes the pending frames. */
  flush(): void;
}

const PAUSE_FACTOR = 2;
const MAX_PAUSE_MS = 10;
/** A server without a write for so long is idle: the next update need not wait for more. */
const IDLE_MS = 15;
const FIRST_SLICE_MS = 5;
const SLICE_GROWTH = 4;
const MAX_SLICE_MS = 40;
/** Outboxes written between two readings of the clock. */
const STRIDE = 16;
/** A system timer would wait longer than a shorter pause. */
const MIN_TIMER_MS = 1;

/** Writes outboxes, paced. */
export class Flusher {
  readonly #clock: Clock;
  readonly #empty = new Map<Encoding, Batch>();
  /** Batches whose bytes were joined since the last flush ended; a slow connection must not keep them alive. */
  readonly joined: Batch[] = [];
  #dirty: Flushable[] = [];
  #flushing: Flushable[] = [];
  #at = 0;
  #left = 0;
  #turns = 0;
  #spentMs = 0;
  #sliceMs = FIRST_SLICE_MS;
  #isDue = false;
  /** Incremented by each schedule and each flush; an older schedule is void. */
  #scheduleId = 0;
  #notBefore = 0;
  #idleFrom = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the empty batch of an encoding, the start of every pending sequence. */
  emptyBatch(encoding: Encoding): Batch {
    const known = this.#empty.get(encoding);
    if (known !== undefined) return known;
    const empty = new Batch(encoding);
    this.#empty.set(encoding, empty);
    return empty;
  }

  /** Queues an outbox for the next flush. */
  add(outbox: Flushable): void {
    this.#dirty.push(outbox);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#schedule();
  }

  /** Flushes at once, without waiting for the end of the turn, if the server is idle. */
  flushIfIdle(): void {
    if (!this.#isDue || this.#left > 0 || this.#clock.monotonic() < this.#idleFrom) return;
    this.#begin();
  }

  #schedule(): void {
    const id = ++this.#scheduleId;
    const begin = () => {
      if (id === this.#scheduleId) this.#begin();
    };
    const waitMs = this.#notBefore - this.#clock.monotonic();
    if (waitMs < MIN_TIMER_MS) this.#clock.soon(begin);
    else this.#clock.after(waitMs, begin);
  }

  #begin(): void {
    this.#scheduleId++;
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
    for (const empty of this.#empty.values()) empty.forget();
    for (const batch of this.joined) batch.forget();
    this.joined.length = 0;
    this.#notBefore = now + Math.min(PAUSE_FACTOR * this.#spentMs, MAX_PAUSE_MS);
    this.#idleFrom = now + IDLE_MS;
    this.#isDue = this.#dirty.length > 0;
    if (this.#isDue) this.#schedule();
  }
}
