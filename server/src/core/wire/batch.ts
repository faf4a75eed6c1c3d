/**
 * The pending frames of a connection, as an immutable chain that connections share. An outbox points at the batch of
 * its pending frames; adding a frame moves it to the next batch. Subscribers that wait for the same frames in the same
 * order share a batch. So a delivery costs one comparison and one assignment, and the bytes of a flush are joined once
 * for all.
 */
import type { Encoding } from './encoding.js';
import type { Frame } from './frame.js';

/** What a frame for one connection costs beside its bytes. */
const OWN_FRAME_BYTES = 256;

/** A sequence of pending frames. */
export class Batch {
  readonly encoding: Encoding;
  /** The number of frames. */
  readonly count: number;
  /** The bytes of all frames. */
  readonly bytes: number;
  /** The bytes of frames for one connection alone, and what these cost besides. */
  readonly ownBytes: number;
  readonly #previous: Batch | null;
  readonly #frame: Frame | null;
  #joined: Buffer | null = null;
  #nextFrame: Frame | null = null;
  #next: Batch | null = null;

  /** `bytes` is the size of `frame`. Four parameters: an object for them would be garbage of each frame. */
  constructor(encoding: Encoding, previous: Batch | null = null, frame: Frame | null = null, bytes = 0) {
    this.encoding = encoding;
    this.#previous = previous;
    this.#frame = frame;
    this.count = previous === null ? 0 : previous.count + 1;
    this.bytes = (previous?.bytes ?? 0) + bytes;
    this.ownBytes = (previous?.ownBytes ?? 0) + (frame?.isShared === false ? bytes + OWN_FRAME_BYTES : 0);
  }

  /** Returns this sequence followed by `frame`. Caches the last result, since a fan-out repeats the call. */
  plus(frame: Frame): Batch {
    if (this.#nextFrame === frame && this.#next !== null) return this.#next;
    const bytes = frame.size(this.encoding);
    // The dialect has no text for it.
    if (bytes === 0) return this;
    const next = new Batch(this.encoding, this, frame, bytes);
    this.#nextFrame = frame;
    this.#next = next;
    return next;
  }

  /** Drops the caches, so that a batch in use keeps neither joined bytes nor later frames alive. */
  forget(): void {
    this.#nextFrame = null;
    this.#next = null;
    this.#joined = null;
  }

  /**
   * Returns the bytes of all frames, which no caller may change. The first call joins them and adds the batch to
   * `joinedNow`; the owner of that list calls `forget`.
   */
  joined(joinedNow: Batch[]): Buffer {
    if (this.#joined !== null) return this.#joined;
    joinedNow.push(this);
    this.#joined = this.count === 1 && this.#frame ? this.#frame.encoded(this.encoding) : this.#join();
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
      end -= batch.#frame.size(this.encoding);
      batch.#frame.put(this.encoding, bytes, end);
    }
    return bytes;
  }
}
