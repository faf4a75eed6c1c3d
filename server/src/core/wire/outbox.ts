/**
 * The pending frames of one connection, bounded in frames and bytes. Adding never waits; it returns a verdict. The
 * outbox does not write while its wire is blocked. When empty it asks its source for more: subscriptions in catch-up
 * read on from their logs.
 */
import type { BacklogHolder, Backlogs } from './backlog.js';
import type { Batch } from './batch.js';
import type { Encoding } from './encoding.js';
import type { Flusher } from './flusher.js';
import type { Frame } from './frame.js';

/** The result of adding a frame. `slow`: a bound is reached; `closed`: the outbox takes no more frames. */
export type Verdict = 'ok' | 'slow' | 'closed';

/** The writing end of a transport. */
export interface Wire {
  readonly encoding: Encoding;
  /** Whether it writes only in answer to a poll: between polls it is blocked without being slow. */
  readonly isPolled: boolean;
  /** Whether it cannot write yet, such as before the first poll. */
  readonly isBlocked: boolean;
  /**
   * Writes bytes; returns whether more may follow at once. After a false the transport calls `Outbox.unblock` when it
   * is ready. The bytes are shared: the wire must neither change nor keep them.
   */
  write(bytes: Buffer, frames: number): boolean;
}

/** The bounds of an outbox. */
export interface OutboxBounds {
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** Supplies further frames to an empty outbox. */
export interface Source extends BacklogHolder {
  /** Adds one portion to the outbox; returns true when more is left for a later turn. */
  readOn(): boolean;
}

/** Options that all outboxes share. */
export interface OutboxOptions {
  readonly flusher: Flusher;
  readonly backlogs: Backlogs;
  readonly settings: { readonly outbox: OutboxBounds };
}

/** The pending frames of one wire. */
export class Outbox {
  readonly #flusher: Flusher;
  readonly #wire: Wire;
  readonly #bounds: OutboxBounds;
  readonly #empty: Batch;
  readonly #backlogs: Backlogs;
  readonly #source: Source;
  #pending: Batch;
  #isQueued = false;
  /** Whether the source may have more; asking idle sessions would only touch their memory. */
  #isSourceWaiting = false;
  #isBlocked: boolean;
  /** Bytes of unshared frames that a blocked wire has buffered, and the total that is counted as its backlog. */
  #heldBack = 0;
  #backlog = 0;
  #isClosed = false;

  constructor(wire: Wire, source: Source, options: OutboxOptions) {
    this.#flusher = options.flusher;
    this.#wire = wire;
    this.#bounds = options.settings.outbox;
    this.#backlogs = options.backlogs;
    this.#source = source;
    this.#isBlocked = wire.isBlocked;
    this.#empty = options.flusher.emptyBatch(wire.encoding);
    this.#pending = this.#empty;
  }

  /** Returns whether the wire is slow: blocked, and not for want of a poll. */
  get isStalled(): boolean {
    return this.#isBlocked && !this.#wire.isPolled;
  }

  /** Returns the unshared bytes that wait for a blocked wire. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Adds a frame to the next flush. */
  add(frame: Frame): Verdict {
    if (this.#isClosed) return 'closed';
    const pending = this.#pending;
    if (pending.count >= this.#bounds.maxFrames) return 'slow';
    const next = pending.plus(frame);
    if (next.bytes > this.#bounds.maxBytes) return 'slow';
    this.#pending = next;
    if (!this.#isQueued) this.#queue();
    if (!this.#isBlocked || frame.isShared) return 'ok';
    this.#count();
    return this.#isClosed ? 'closed' : 'ok';
  }

  /** Asks the source for frames at the next flush. */
  wake(): void {
    this.#isSourceWaiting = true;
    this.#queue();
  }

  #queue(): void {
    if (this.#isQueued || this.#isBlocked || this.#isClosed) return;
    this.#isQueued = true;
    this.#flusher.add(this);
  }

  /** Continues to write; the transport calls it when the wire is ready. */
  unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#heldBack = 0;
    this.#count();
    if (this.#pending.count > 0 || this.#isSourceWaiting) this.#queue();
  }

  /** Writes the pending frames, then one portion from the source. Called by the flusher. */
  flush(): void {
    this.#isQueued = false;
    if (this.#isClosed) return;
    if (!this.#isBlocked) this.#handOver();
    if (this.#isBlocked || !this.#isSourceWaiting) return;
    this.#isSourceWaiting = this.#source.readOn();
    this.#handOver();
    if (this.#isSourceWaiting) this.#queue();
  }

  /** Writes the pending frames and `last`, regardless of bounds and a blocked wire, and closes the outbox. */
  close(last: Frame): void {
    if (this.#isClosed) return;
    this.#pending = this.#pending.plus(last);
    // Closed before the write, so that counting its backlog cannot close it again.
    this.#isClosed = true;
    this.#handOver();
    this.#heldBack = 0;
    this.#count();
  }

  /** Drops the pending frames and closes the outbox, whose wire is gone. */
  discard(): void {
    this.#isClosed = true;
    this.#pending = this.#empty;
    this.#heldBack = 0;
    this.#count();
  }

  #handOver(): void {
    const pending = this.#pending;
    if (pending.count === 0) return;
    this.#pending = this.#empty;
    this.#isBlocked = !this.#wire.write(pending.joined(this.#flusher.joined), pending.count);
    // Poll answers are counted with the HTTP answers.
    if (this.#isBlocked && !this.#wire.isPolled) this.#heldBack += pending.ownBytes;
    if (this.#isBlocked || this.#backlog > 0) this.#count();
  }

  /** Updates the backlog: the unshared bytes that wait for a blocked wire. */
  #count(): void {
    const before = this.#backlog;
    const isHolding = this.#isBlocked && !this.#isClosed;
    this.#backlog = isHolding ? this.#pending.ownBytes + this.#heldBack : 0;
    if (this.#backlog !== before) this.#backlogs.change(this.#source, before, this.#backlog);
  }
}
