/**
 * Counts accepted sockets, within the descriptors that the process may open. A socket is *unproven* until its client
 * has a session or has sent an API key. When the table is full the longest unproven socket is closed for a new one. So
 * idle and refused sockets keep no client out. Some places are reserved for the API.
 */
import { AddressCounter } from '../data/address-counter.js';
import { LinkedMap } from '../data/linked-map.js';

/** The bound of unproven sockets, however many descriptors are available. */
export const MAX_UNPROVEN = 8_192;
/** The bound of unproven sockets per address, unless many clients may share it. */
export const MAX_UNPROVEN_OF_ADDRESS = 512;
/** Places reserved for the API, at most a quarter of all. */
export const API_PART = 32;
/** Descriptors for files, the log and the system; the connection pools to the back end need more. */
export const RESERVED_DESCRIPTORS = 64;

const PLACE = Symbol('place');

/** A counted socket. */
export interface TableSocket {
  destroy(): unknown;
  [PLACE]?: 'unproven' | 'client' | 'api' | 'gone';
}

/** Counts sockets. */
export class SocketTable {
  readonly #max: number;
  readonly #onFull: () => void;
  readonly #unproven = new LinkedMap<TableSocket, string | null>();
  readonly #addresses = new AddressCounter({
    perAddress: MAX_UNPROVEN_OF_ADDRESS,
    inAll: Number.POSITIVE_INFINITY,
  });
  readonly #proven = { client: 0, api: 0 };

  /** @param onFull called after a socket was closed because more than `max` were open */
  constructor(max: number, onFull: () => void) {
    this.#max = max;
    this.#onFull = onFull;
  }

  /** Returns the number of open sockets. */
  get size(): number {
    return this.#unproven.size + this.#proven.client + this.#proven.api;
  }

  /** Returns the number of unproven sockets. */
  get unproven(): number {
    return this.#unproven.size;
  }

  /** Returns whether one more client may have a session on its own socket. */
  get hasRoom(): boolean {
    return this.#proven.client < this.#max - Math.min(API_PART, Math.floor(this.#max / 4));
  }

  /** Counts an accepted socket, and may close one. `address` is null where many clients may share it. */
  accepted(socket: TableSocket, address: string | null): void {
    if (address !== null && !this.#addresses.take(address)) {
      socket[PLACE] = 'gone';
      socket.destroy();
      return;
    }
    this.#addUnproven(socket, address);
    if (this.size > this.#max || this.#unproven.size > MAX_UNPROVEN) this.#closeOldest();
  }

  /** Marks a socket whose client has a session, or has sent an API key. */
  proves(socket: TableSocket, as: 'client' | 'api'): void {
    if (socket[PLACE] !== 'unproven') return;
    this.#removeUnproven(socket);
    socket[PLACE] = as;
    this.#proven[as]++;
  }

  /** Marks a socket as unproven again, such as after the answer to a poll. */
  rests(socket: TableSocket): void {
    if (socket[PLACE] !== 'client') return;
    this.#proven.client--;
    this.#addUnproven(socket, null);
  }

  /** Stops counting a closed socket. Idempotent. */
  closed(socket: TableSocket): void {
    const place = socket[PLACE];
    if (place === 'unproven') this.#removeUnproven(socket);
    else if (place === 'client' || place === 'api') this.#proven[place]--;
    socket[PLACE] = 'gone';
  }

  #addUnproven(socket: TableSocket, address: string | null): void {
    socket[PLACE] = 'unproven';
    this.#unproven.set(socket, address);
  }

  #removeUnproven(socket: TableSocket): void {
    const address = this.#unproven.get(socket);
    if (address != null) this.#addresses.release(address);
    this.#unproven.delete(socket);
  }

  #closeOldest(): void {
    const oldest = this.#unproven.oldest?.[0];
    if (oldest === undefined) return;
    this.closed(oldest);
    oldest.destroy();
    this.#onFull();
  }
}
