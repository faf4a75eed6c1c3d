/**
 * Writes prepared bytes straight to a socket, in pieces, so that a slow reader's progress can be seen: the next piece is
 * handed over when the socket has taken the one before. The bytes are shared between connections and are never
 * changed; nothing is kept of them once the socket has them.
 */
import type { Socket } from 'node:net';

const PIECE_BYTES = 64 * 1024;

/** Whoever writes: told when more may follow after `write` answered false. */
export interface Writing {
  drained(): void;
}

/** A socket's writing side. */
export class SocketWriter {
  readonly socket: Socket;
  readonly #writing: Writing;
  #rest: Buffer | null = null;
  #taken = 0;
  /** Whether the socket's `drain` is listened to: most never fill, and each listener costs memory. */
  #isListening = false;

  constructor(socket: Socket, writing: Writing) {
    this.socket = socket;
    this.#writing = writing;
  }

  /** Bytes that the socket took in whole pieces; it only rises. */
  get taken(): number {
    return this.#taken;
  }

  /** Writes `bytes`; false when nothing more may follow until `Writing.drained`. */
  write(bytes: Buffer): boolean {
    if (this.#rest !== null) {
      // Only what closes a connection, or keeps it awake, comes here: everything else waits for the drain.
      this.#rest = Buffer.concat([this.#rest, bytes]);
      return false;
    }
    if (bytes.length <= PIECE_BYTES) {
      if (this.#hand(bytes)) return true;
    } else {
      this.#rest = bytes;
      if (this.#push()) return true;
    }
    if (!this.#isListening) this.socket.on('drain', () => this.#drained());
    this.#isListening = true;
    return false;
  }

  /** Writes the rest without waiting: the socket is about to be ended. */
  finish(): void {
    if (this.#rest !== null && !this.socket.destroyed) this.socket.write(this.#rest);
    this.#rest = null;
  }

  #drained(): void {
    if (this.#rest === null ? !this.#isFull() : this.#push()) this.#writing.drained();
  }

  /** Hands over pieces until the socket holds one back; true when all is handed over and it takes more. */
  #push(): boolean {
    const socket = this.socket;
    while (this.#rest !== null && !socket.destroyed) {
      const rest: Buffer = this.#rest;
      const piece = rest.length <= PIECE_BYTES ? rest : rest.subarray(0, PIECE_BYTES);
      this.#rest = piece.length === rest.length ? null : rest.subarray(PIECE_BYTES);
      if (!this.#hand(piece)) return false;
    }
    return true;
  }

  /**
   * Hands one piece over; false when the socket holds bytes back. As little is touched as can be: ten thousand sockets do not fit into
   * a processor's cache. One that is destroyed takes bytes and drops them.
   */
  #hand(piece: Buffer): boolean {
    this.#taken += piece.length;
    return this.socket.write(piece) || !this.#isFull();
  }

  /** Whether the kernel held bytes back and a `drain` will follow: a mere false of `write` says neither. */
  #isFull(): boolean {
    return this.socket.writableLength > 0 && this.socket.writableNeedDrain;
  }
}
