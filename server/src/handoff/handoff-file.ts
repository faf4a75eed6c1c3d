/**
 * The handoff as a file of the state folder, private as all of them. It is loaded at most once: its name is taken away before it is
 * read, and a file whose name cannot be taken away is not used. A file that is not whole is worth nothing: it is gone too, and
 * the server starts as after a crash.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { type Handoff, HandoffWriter } from './format.js';
import { readHandoff } from './reader.js';

const FILE_MODE = 0o600;

/** What was left out for want of time. */
export type LeftOut = HandoffWriter['leftOut'];

/** A handoff on the disk. */
export class HandoffFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Writes it under another name and then gives it its own, so that nobody finds half of it. Others have their turn between two pieces.
   * `isOverdue` says when to leave out what can be. Rejects when it cannot be written; then there is none.
   */
  async write(handoff: Handoff, isOverdue: () => boolean): Promise<LeftOut> {
    const unfinished = `${this.#file}.new`;
    rmSync(unfinished, { force: true });
    const writer = new HandoffWriter(handoff, isOverdue);
    const descriptor = openSync(unfinished, 'wx', FILE_MODE);
    try {
      for (const chunk of writer.chunks()) {
        writeAll(descriptor, chunk);
        await new Promise(setImmediate);
      }
      renameSync(unfinished, this.#file);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
    return writer.leftOut;
  }

  /** Reads it and removes it; null when there is none. @throws Error when it cannot be removed or is not whole; it must not be used then. */
  take(): Handoff | null {
    // What a server left that was stopped while it wrote.
    rmSync(`${this.#file}.new`, { force: true });
    const descriptor = openIfThere(this.#file);
    if (descriptor === null) return null;
    try {
      unlinkSync(this.#file);
      return readHandoff({
        size: fstatSync(descriptor).size,
        read: (into, offset) => readSync(descriptor, into, 0, into.length, offset),
      });
    } finally {
      closeSync(descriptor);
    }
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

/** One that is there and cannot be opened must not stay for another start. */
function openIfThere(file: string): number | null {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    rmSync(file, { force: true });
    throw error;
  }
}
