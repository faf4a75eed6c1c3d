/**
 * What a connection has pending, as an immutable chain that connections share: a connection's outbox
 * points at the batch of all that waits for it, and adding a frame moves it on to the next batch. A
 * thousand subscribers that await the same frames in the same order stand at the same batch, so a delivery
 * costs one comparison and one assignment, and the bytes of a flush are joined once for all of them.
 */
import type { Frame, Framing } from './frame.js';

/** A sequence of frames that waits to be written. */
export class Batch {
  readonly framing: Framing;
  /** Frames in it. */
  readonly count: number;
  /** Bytes of them all. */
  readonly bytes: number;
  /** Of these, bytes of frames that go to one connection alone. */
  readonly ownBytes: number;
  readonly #previous: Batch | null;
  readonly #frame: Frame | null;
  #joined: Buffer | null = null;
  #nextFrame: Frame | null = null;
  #next: Batch | null = null;

  constructor(framing: Framing, previous: Batch | null = null, frame: Frame | null = null) {
    this.framing = framing;
    this.#previous = previous;
    this.#frame = frame;
    this.count = previous === null ? 0 : previous.count + 1;
    const bytes = frame?.size(framing) ?? 0;
    this.bytes = (previous?.bytes ?? 0) + bytes;
    this.ownBytes = (previous?.ownBytes ?? 0) + (frame?.isShared === false ? bytes : 0);
  }

  /** This sequence and then `frame`. The last answer is remembered: a fan-out asks it of many in a row. */
  plus(frame: Frame): Batch {
    if (this.#nextFrame === frame && this.#next !== null) return this.#next;
    const next = new Batch(this.framing, this, frame);
    this.#nextFrame = frame;
    this.#next = next;
    return next;
  }

  /** Lets go of what was remembered, so that a batch that stays keeps neither joined bytes nor later frames alive. */
  forget(): void {
    this.#nextFrame = null;
    this.#next = null;
    this.#joined = null;
  }

  /**
   * The bytes of all frames, joined at the first call, which notes the batch in `joinedNow`: whoever empties that list
   * calls `forget`. The bytes are shared: nobody may change them.
   */
  joined(joinedNow: Batch[]): Buffer {
    if (this.#joined !== null) return this.#joined;
    joinedNow.push(this);
    this.#joined = this.count === 1 && this.#frame ? this.#frame.encoded(this.framing) : this.#join();
    return this.#joined;
  }

  #join(): Buffer {
    const bytes = Buffer.allocUnsafe(this.bytes);
    let end = this.bytes;
    for (let batch: Batch | null = this; batch !== null && batch.#frame !== null; batch = batch.#previous) {
      const joined: Buffer | null = batch.#joined;
      if (joined !== null) {
        joined.copy(bytes, 0);
        break;
      }
      end -= batch.#frame.size(this.framing);
      batch.#frame.put(this.framing, bytes, end);
    }
    return bytes;
  }
}
