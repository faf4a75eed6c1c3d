/**
 * Bounds the bytes that wait for blocked connections, all together. When the bound is exceeded, the connection that has
 * been blocked longest is closed. Only frames for one connection count, such as answers; shared frames, such as
 * updates, exist once.
 */
import { LinkedMap } from '../data/linked-map.js';

/** The bound of all backlogs together, in bytes. */
export const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

/** A blocked connection. */
export interface BacklogHolder {
  /** Closes the connection at once, without writing its waiting frames. */
  overflow(): void;
}

/** The backlogs of all connections. */
export class Backlogs {
  /** In the order in which their backlogs began. */
  readonly #holders = new LinkedMap<BacklogHolder, true>();
  #bytes = 0;

  /** Returns the bytes of all backlogs. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the number of connections with a backlog. */
  get size(): number {
    return this.#holders.size;
  }

  /** Changes the backlog of a connection from `before` to `after` bytes. May close connections, also this one. */
  change(holder: BacklogHolder, before: number, after: number): void {
    this.#bytes += after - before;
    if (after === 0) this.#holders.delete(holder);
    else if (before === 0) this.#holders.set(holder, true);
    while (this.#bytes > MAX_BACKLOG_BYTES) {
      const oldest = this.#holders.oldest?.[0];
      if (oldest === undefined) return;
      oldest.overflow();
      // A holder that is closing already does not release its bytes here: continue with the next one.
      this.#holders.delete(oldest);
    }
  }
}
