/**
 * The sockets that the server has accepted, within the descriptors that it may open. A socket is *unproven* until its client has a
 * session or has shown an API key. When all places are taken the longest unproven socket is ended for a new one, so that silent and
 * refused sockets keep nobody out; clients with sessions leave a part of the places, so that the API always has some.
 */
import { AddressCounter } from '../data/address-counter.js';
import { LinkedMap } from '../data/linked-map.js';

/** Sockets that are unproven at a time, however many descriptors there are. */
export const MAX_UNPROVEN = 8_192;
/** Unproven sockets of one address, unless many clients may have it. */
export const MAX_UNPROVEN_OF_ADDRESS = 512;
/** Places that clients with sessions leave free, unless there are very few. */
export const API_PART = 32;
/** Descriptors for files, the log and what the system needs; the pools of connections to the back end come on top. */
export const RESERVED_DESCRIPTORS = 64;

const PLACE = Symbol('place');

/** A socket, as far as it is counted. */
export interface TableSocket {
  destroy(): unknown;
  [PLACE]?: 'unproven' | 'client' | 'api' | 'gone';
}

/** What the table stands on. */
export interface SocketTableParts {
  /** Sockets that there may be at a time. */
  readonly max: number;
  /** Called when a socket had to be ended for want of places. */
  readonly onFull: () => void;
}

/** Counts sockets. */
export class SocketTable {
  readonly #parts: SocketTableParts;
  readonly #unproven = new LinkedMap<TableSocket, string | null>();
  readonly #addresses = new AddressCounter({
    perAddress: MAX_UNPROVEN_OF_ADDRESS,
    inAll: Number.POSITIVE_INFINITY,
  });
  #clients = 0;
  #api = 0;

  constructor(parts: SocketTableParts) {
    this.#parts = parts;
  }

  /** Sockets that there are. */
  get size(): number {
    return this.#unproven.size + this.#clients + this.#api;
  }

  /** Sockets whose clients have neither a session nor an API key. */
  get unproven(): number {
    return this.#unproven.size;
  }

  /** Whether one more client may have a session over a socket of its own. */
  get hasRoom(): boolean {
    const { max } = this.#parts;
    return this.#clients < max - Math.min(API_PART, Math.floor(max / 4));
  }

  /** A socket was accepted. `address` is null where many clients may have it. */
  accepted(socket: TableSocket, address: string | null): void {
    if (address !== null && !this.#addresses.take(address)) {
      socket[PLACE] = 'gone';
      socket.destroy();
      return;
    }
    this.#rest(socket, address);
    if (this.size > this.#parts.max || this.#unproven.size > MAX_UNPROVEN) this.#endOldest();
  }

  /** Its client has a session, or has shown an API key. */
  proves(socket: TableSocket, as: 'client' | 'api'): void {
    if (socket[PLACE] !== 'unproven') return;
    this.#remove(socket);
    socket[PLACE] = as;
    if (as === 'client') this.#clients++;
    else this.#api++;
  }

  /** Its client has no session over it any more, such as after the answer to a poll. */
  rests(socket: TableSocket): void {
    if (socket[PLACE] !== 'client') return;
    this.#clients--;
    this.#rest(socket, null);
  }

  /** It has closed. Idempotent. */
  closed(socket: TableSocket): void {
    const place = socket[PLACE];
    if (place === 'unproven') this.#remove(socket);
    else if (place === 'client') this.#clients--;
    else if (place === 'api') this.#api--;
    socket[PLACE] = 'gone';
  }

  #rest(socket: TableSocket, address: string | null): void {
    socket[PLACE] = 'unproven';
    this.#unproven.set(socket, address);
  }

  #remove(socket: TableSocket): void {
    const address = this.#unproven.get(socket);
    if (address != null) this.#addresses.release(address);
    this.#unproven.delete(socket);
  }

  #endOldest(): void {
    const oldest = this.#unproven.oldest?.[0];
    if (oldest === undefined) return;
    this.closed(oldest);
    oldest.destroy();
    this.#parts.onFull();
  }
}
