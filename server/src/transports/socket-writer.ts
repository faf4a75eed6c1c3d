/**
 * Writes prepared bytes to a socket in pieces, so that the progress of a slow reader is visible. The next piece follows
 * when the socket has taken the last one. Connections share the bytes, which are never changed and not kept after they
 * are written.
 */
import type { Socket } from 'node:net';

const PIECE_BYTES = 64 * 1024;

/** The owner of a writer: `drained` is called when more may follow after `write` returned false. */
export interface Writing {
  drained(): void;
}

export class SocketWriter {
  readonly socket: Socket;
  readonly #writing: Writing;
  #rest: Buffer | null = null;
  /** The bytes that the socket has taken in whole pieces; it only rises. */
  taken = 0;
  /** Whether it listens to the socket's `drain`: most never fill, and each listener costs memory. */
  #isListening = false;

  constructor(socket: Socket, writing: Writing) {
    this.socket = socket;
    this.#writing = writing;
  }

  /** Writes `bytes`; returns false when the next write must wait for `Writing.drained`. */
  write(bytes: Buffer): boolean {
    if (this.#rest !== null) {
      // Only closing frames and keep-alives come here: all other frames wait for the drain.
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

  /** Writes the rest without waiting, before the socket is ended. */
  finish(): void {
    if (this.#rest !== null && !this.socket.destroyed) this.socket.write(this.#rest);
    this.#rest = null;
  }

  #drained(): void {
    if (this.#rest === null ? !this.#isFull() : this.#push()) this.#writing.drained();
  }

  /** Writes pieces until the socket holds one back; returns true when all are written and it takes more. */
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
   * Writes one piece; returns false when the socket holds bytes back. Touches little memory: ten thousand sockets
   * exceed a processor's cache. A destroyed socket drops the bytes.
   */
  #hand(piece: Buffer): boolean {
    this.taken += piece.length;
    return this.socket.write(piece) || !this.#isFull();
  }

  /** Returns whether the kernel held bytes back and a `drain` will follow: the result of `write` says neither. */
  #isFull(): boolean {
    return this.socket.writableLength > 0 && this.socket.writableNeedDrain;
  }
}
