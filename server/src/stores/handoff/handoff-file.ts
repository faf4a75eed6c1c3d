/**
 * The handoff as a file of the state folder, private as all of them. It is taken over at most once: its name is changed before it is
 * read, and taken away before anything is accepted; a file whose name cannot be changed is not used. A file that is not whole is worth
 * nothing: it is gone too, and the server starts as after a crash. Whatever else has one of the names is removed, and never read.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { devNull } from 'node:os';
import type { Handoff } from './format.js';
import { type ReadHandoff, readHandoff } from './reader.js';
import { HandoffWriter, type LeftOut } from './writer.js';

const FILE_MODE = 0o600;
/** No server writes more: logs and states have a quarter of a gigabyte each by default, and it is read into memory. */
const MAX_BYTES = 4 * 1024 * 1024 * 1024;

/** A handoff on the disk. */
export class HandoffFile {
  readonly #file: string;
  /** A descriptor from the start on, given back when one is needed: whatever has taken all others, the handoff can be written. */
  #spare: number | null = null;
  /** What is younger was left by another server that shares the folder; milliseconds since 1970. */
  readonly #since = Date.now();

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Writes it under another name and then gives it its own, so that nobody finds half of it. Others have their turn between two pieces.
   * `timeLeftMs` says when to leave out what is not written yet. Rejects when it cannot be written; then there is none, or that of
   * another server, which is left alone.
   */
  async write(handoff: Handoff, timeLeftMs: () => number): Promise<LeftOut> {
    if (this.#isOfAnother()) {
      throw new Error('another server has left its own there: give each server a state folder of its own');
    }
    this.giveBack();
    // First of all: one that stays would be taken for this one.
    remove(this.#file);
    remove(this.#unfinished);
    const writer = new HandoffWriter(handoff, timeLeftMs);
    const descriptor = openSync(this.#unfinished, 'wx', FILE_MODE);
    try {
      for (const chunk of writer.chunks()) {
        writeAll(descriptor, chunk);
        await new Promise(setImmediate);
      }
      renameSync(this.#unfinished, this.#file);
    } catch (error) {
      remove(this.#unfinished);
      throw error;
    } finally {
      closeSync(descriptor);
    }
    return writer.leftOut;
  }

  /** Gives back the descriptor that is kept for writing. Idempotent. */
  giveBack(): void {
    if (this.#spare !== null) closeSync(this.#spare);
    this.#spare = null;
  }

  #isOfAnother(): boolean {
    const found = lstatSync(this.#file, { throwIfNoEntry: false });
    return found?.isFile() === true && found.mtimeMs > this.#since;
  }

  /**
   * Reads it, gives it to `use`, and removes it, whatever comes of that; null when there is none. Nothing may be accepted before it has
   * returned: what ends the process until then leaves it under another name, for one more try. @throws Error when it cannot be used.
   */
  take<T>(use: (handoff: ReadHandoff) => T): T | null {
    let descriptor: number | null = null;
    try {
      descriptor = open(this.#file);
      const isFresh = descriptor !== null;
      descriptor ??= open(this.#loading);
      if (descriptor === null) return null;
      // An older one; or this one, which ended the server that loaded it: should it do so again, it is gone.
      remove(this.#loading);
      if (isFresh) renameSync(this.#file, this.#loading);
      return use(read(descriptor));
    } finally {
      this.#forget(descriptor);
      this.#spare ??= openSync(devNull, 'r');
    }
  }

  /** Removes all there is. What cannot be removed is at least emptied: a later start would take it for new. */
  #forget(descriptor: number | null): void {
    try {
      remove(this.#file);
      remove(this.#loading);
      // What a server left that was stopped while it wrote.
      remove(this.#unfinished);
    } catch (error) {
      if (descriptor === null) throw error;
      ftruncateSync(descriptor);
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  get #loading(): string {
    return `${this.#file}.loading`;
  }

  get #unfinished(): string {
    return `${this.#file}.new`;
  }
}

/** Opens a handoff, and waits for nobody; null when there is none. */
function open(name: string): number | null {
  try {
    return openSync(name, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function read(descriptor: number): ReadHandoff {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) throw new Error('it is no file');
  if (stats.size > MAX_BYTES) throw new Error('it is too large');
  return readHandoff({
    size: stats.size,
    read: (into, offset) => readSync(descriptor, into, 0, into.length, offset),
  });
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

/** Takes a name away, whatever has it. */
function remove(name: string): void {
  rmSync(name, { recursive: true, force: true });
}
