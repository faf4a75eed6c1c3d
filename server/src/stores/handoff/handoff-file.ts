/**
 * The handoff as a private file of the state folder. It is restored at most once: it is renamed before it is read, and
 * removed before the server accepts connections. A file that cannot be renamed is not used. An incomplete file is
 * removed too, and the server starts as after a crash. Anything else with one of these names is removed unread.
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
  writeFileSync,
} from 'node:fs';
import { devNull } from 'node:os';
import type { Handoff } from './format.js';
import { type ReadHandoff, readHandoff } from './reader.js';
import { HandoffWriter, type LeftOut } from './writer.js';

const FILE_MODE = 0o600;
/** No server writes more: logs and states have 256 MB each by default, and the file is read into memory. */
const MAX_BYTES = 4 * 1024 * 1024 * 1024;

export class HandoffFile {
  readonly #file: string;
  /** Its name while it is written, and while it is read. */
  readonly #unfinished: string;
  readonly #loading: string;
  /** Reserves a descriptor from the start on, so that the handoff can be written when all others are in use. */
  #spare: number | null = null;
  /** A younger file was left by another server that shares the folder; milliseconds since 1970. */
  readonly #since = Date.now();

  constructor(file: string) {
    this.#file = file;
    this.#unfinished = `${file}.new`;
    this.#loading = `${file}.loading`;
  }

  /**
   * Writes the handoff under another name and renames it, so that no reader finds half of it. Other tasks run between
   * two pieces. What is not written when `timeLeftMs` ends is left out. Rejects when it cannot be written. Then there
   * is no file, or that of another server, which is left alone.
   */
  async write(handoff: Handoff, timeLeftMs: () => number): Promise<LeftOut> {
    if (this.#isOfAnother()) {
      throw new Error('another server has left its own there: give each server a state folder of its own');
    }
    this.giveBack();
    // First, since an older file would be taken for this one.
    remove(this.#file);
    remove(this.#unfinished);
    const writer = new HandoffWriter(handoff, timeLeftMs);
    const descriptor = openSync(this.#unfinished, 'wx', FILE_MODE);
    try {
      for (const chunk of writer.chunks()) {
        writeFileSync(descriptor, chunk);
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

  /** Closes the reserved descriptor. Idempotent. */
  giveBack(): void {
    if (this.#spare !== null) closeSync(this.#spare);
    this.#spare = null;
  }

  #isOfAnother(): boolean {
    const found = lstatSync(this.#file, { throwIfNoEntry: false });
    return found?.isFile() === true && found.mtimeMs > this.#since;
  }

  /**
   * Reads the handoff, passes it to `use`, and removes it in any case; returns null when there is none. The server must
   * accept nothing before this returns. If the process ends until then, the file stays under another name for one more
   * try. @throws Error when it cannot be used.
   */
  take<T>(use: (handoff: ReadHandoff) => T): T | null {
    let descriptor: number | null = null;
    try {
      descriptor = open(this.#file);
      const isFresh = descriptor !== null;
      descriptor ??= open(this.#loading);
      if (descriptor === null) return null;
      // An older file, or one whose first restoration ended the server: there is no third try.
      remove(this.#loading);
      if (isFresh) renameSync(this.#file, this.#loading);
      return use(read(descriptor));
    } finally {
      this.#forget(descriptor);
      this.#spare ??= openSync(devNull, 'r');
    }
  }

  /** Removes all files. One that cannot be removed is emptied, or a later start would take it for new. */
  #forget(descriptor: number | null): void {
    try {
      remove(this.#file);
      remove(this.#loading);
      // Left by a server that was stopped while it wrote.
      remove(this.#unfinished);
    } catch (error) {
      if (descriptor === null) throw error;
      ftruncateSync(descriptor);
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }
}

/** Opens a handoff without waiting; returns null when there is none. */
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
  return readHandoff(stats.size, (into, offset) => readSync(descriptor, into, 0, into.length, offset));
}

/** Removes whatever has this name. */
function remove(name: string): void {
  rmSync(name, { recursive: true, force: true });
}
