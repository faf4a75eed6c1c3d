/**
 * What connections that do not read hold: bytes of frames that go to one connection alone, such as answers and refusals. All together
 * they are bounded; when there is no room, the connection that has not read for the longest is closed. Frames that many connections
 * share, as updates are, do not count: they are there once for all.
 */
import { LinkedMap } from '../data/linked-map.js';

/** Bytes that all connections together may hold. */
export const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

/** A connection that does not read. */
export interface BacklogHolder {
  /** It is closed at once; nothing of what waits is written. */
  overflow(): void;
}

/** The backlogs of all connections. */
export class Backlogs {
  /** In the order in which they began to hold something. */
  readonly #holders = new LinkedMap<BacklogHolder, true>();
  #bytes = 0;

  /** Bytes that all hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Connections that hold something. */
  get size(): number {
    return this.#holders.size;
  }

  /** A connection that held `before` bytes holds `after` from now on. May close connections, also this one. */
  change(holder: BacklogHolder, before: number, after: number): void {
    this.#bytes += after - before;
    if (after === 0) this.#holders.delete(holder);
    else if (before === 0) this.#holders.set(holder, true);
    while (this.#bytes > MAX_BACKLOG_BYTES) {
      const oldest = this.#holders.oldest?.[0];
      if (oldest === undefined) return;
      oldest.overflow();
      // One that is being closed already lets go by itself: the next one is looked at.
      this.#holders.delete(oldest);
    }
  }
}
