/**
 * The handoff as a file of the state folder, private as all of them. It is loaded at most once: its name is taken away before it is
 * read, and a file whose name cannot be taken away is not used. A file that is not whole is worth nothing: it is gone too, and
 * the server starts as after a crash. Whatever else has one of the names is removed, and never read.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import type { Handoff } from './format.js';
import { type ReadHandoff, readHandoff } from './reader.js';
import { HandoffWriter, type LeftOut } from './writer.js';

const FILE_MODE = 0o600;
/** No server writes more: logs and states have a quarter of a gigabyte each by default, and it is read into memory. */
const MAX_BYTES = 4 * 1024 * 1024 * 1024;

/** A handoff on the disk. */
export class HandoffFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Writes it under another name and then gives it its own, so that nobody finds half of it. Others have their turn between two pieces.
   * `timeLeftMs` says when to leave out what is not written yet. Rejects when it cannot be written; then there is none.
   */
  async write(handoff: Handoff, timeLeftMs: () => number): Promise<LeftOut> {
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

  /** Reads it and removes it; null when there is none. @throws Error when it cannot be removed or is not whole; it must not be used then. */
  take(): ReadHandoff | null {
    const descriptor = this.#open();
    try {
      this.#forget(descriptor);
      // What a server left that was stopped while it wrote.
      remove(this.#unfinished);
      return descriptor === null ? null : read(descriptor);
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  /** One that cannot be removed is at least emptied: a later start would take it for new. */
  #forget(descriptor: number | null): void {
    try {
      remove(this.#file);
    } catch (error) {
      if (descriptor !== null) ftruncateSync(descriptor);
      throw error;
    }
  }

  get #unfinished(): string {
    return `${this.#file}.new`;
  }

  /** Opens it, and waits for nobody; null when there is none. One that cannot be opened must not stay for another start. */
  #open(): number | null {
    try {
      return openSync(this.#file, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      remove(this.#file);
      throw error;
    }
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
