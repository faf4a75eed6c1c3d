/**
 * What waits to be written to one connection. Bounded in frames and bytes; adding never waits, it
 * answers with a verdict. Nothing is handed to the wire while the wire is blocked. When the outbox has
 * run empty it asks its source for more: subscriptions that are behind read on from their logs.
 */
import type { BacklogHolder, Backlogs } from './backlog.js';
import type { Batch } from './batch.js';
import type { Flusher } from './flusher.js';
import type { Frame, Framing } from './frame.js';

/** `slow`: the bound is reached and the frame was not taken. `closed`: nothing is taken any more. */
export type Verdict = 'ok' | 'slow' | 'closed';

/** The end of a transport that takes bytes. */
export interface Wire {
  readonly framing: Framing;
  /** Whether it takes bytes only when it is asked for them: between two questions it is blocked without being slow. */
  readonly isPolled: boolean;
  /**
   * Hands bytes on and says whether more may follow at once. After a false the transport calls
   * `Outbox.unblock` when it can take more. The bytes are shared: never changed, never kept.
   */
  write(bytes: Buffer, frames: number): boolean;
}

/** The bounds of an outbox. */
export interface OutboxBounds {
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** What an outbox asks for more when it has run empty. */
export interface Source extends BacklogHolder {
  /** Puts one helping into the outbox; true when still more is left for a later turn. */
  readOn(): boolean;
}

/** The frames that wait for one wire. */
export class Outbox {
  readonly #flusher: Flusher;
  readonly #wire: Wire;
  readonly #bounds: OutboxBounds;
  readonly #empty: Batch;
  readonly #source: Source;
  readonly #backlogs: Backlogs;
  #pending: Batch;
  #isQueued = false;
  /** Whether the source may have something: an idle session is not asked, which would touch memory for nothing. */
  #isSourceWaiting = false;
  #isBlocked: boolean;
  /** Bytes of frames of its own that a wire holds back which is blocked, and all that is counted as its backlog. */
  #heldBack = 0;
  #backlog = 0;
  #isClosed = false;

  /** `isBlocked`: whether the wire takes nothing yet, as a poll that has not come. */
  constructor(
    flusher: Flusher,
    wire: Wire,
    options: { bounds: OutboxBounds; source: Source; isBlocked: boolean; backlogs: Backlogs },
  ) {
    this.#flusher = flusher;
    this.#wire = wire;
    this.#bounds = options.bounds;
    this.#source = options.source;
    this.#backlogs = options.backlogs;
    this.#isBlocked = options.isBlocked;
    this.#empty = flusher.emptyBatch(wire.framing);
    this.#pending = this.#empty;
  }

  /** Frames that wait. */
  get frames(): number {
    return this.#pending.count;
  }

  /** Whether the wire takes nothing at present. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether the wire is slow: it holds back what it was given. */
  get isStalled(): boolean {
    return this.#isBlocked && !this.#wire.isPolled;
  }

  /** Bytes of frames of its own that a blocked wire holds back. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Adds a frame to what is written at the next flush. */
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

  /** The source has something to add: it is asked for it at the next flush. */
  wake(): void {
    this.#isSourceWaiting = true;
    this.#queue();
  }

  #queue(): void {
    if (this.#isQueued || this.#isBlocked || this.#isClosed) return;
    this.#isQueued = true;
    this.#flusher.add(this);
  }

  /** The wire takes bytes again. */
  unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#heldBack = 0;
    this.#count();
    if (this.#pending.count > 0 || this.#isSourceWaiting) this.#queue();
  }

  /** Writes what waits, then one helping of what the source adds. Called by the flusher. */
  flush(): void {
    this.#isQueued = false;
    if (this.#isClosed) return;
    if (!this.#isBlocked) this.#handOver();
    if (this.#isBlocked || !this.#isSourceWaiting) return;
    this.#isSourceWaiting = this.#source.readOn();
    this.#handOver();
    if (this.#isSourceWaiting) this.#queue();
  }

  /** Writes what waits and then `last`, without regard to bounds and the wire's state, and takes nothing more. */
  close(last: Frame): void {
    if (this.#isClosed) return;
    this.#pending = this.#pending.plus(last);
    // Closed before it writes: what is counted now must not close it once more.
    this.#isClosed = true;
    this.#handOver();
    this.#heldBack = 0;
    this.#count();
  }

  /** Drops what waits and takes nothing more: the wire is gone. */
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
    // What a poll is answered with is counted with the answers.
    if (this.#isBlocked && !this.#wire.isPolled) this.#heldBack += pending.ownBytes;
    if (this.#isBlocked || this.#backlog > 0) this.#count();
  }

  /** Counts what waits of frames of its own, as long as the wire is blocked. */
  #count(): void {
    const before = this.#backlog;
    const isHolding = this.#isBlocked && !this.#isClosed;
    this.#backlog = isHolding ? this.#pending.ownBytes + this.#heldBack : 0;
    if (this.#backlog !== before) this.#backlogs.change(this.#source, before, this.#backlog);
  }
}
