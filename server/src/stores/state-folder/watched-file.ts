/**
 * A file that is read again when it has changed. It is polled once a second: editors and Kubernetes replace files by
 * renaming, which not every file watcher sees. While the file is broken or absent, its last content stays valid.
 */
import { statSync } from 'node:fs';
import type { Cancel, Clock } from '../../core/time/clock.js';
import { fileFault, readUtf8 } from '../../http/utf8.js';
import { refusedRights } from './file-rights.js';

const POLL_MS = 1_000;

/** Options of a `WatchedFile`. */
export interface WatchedFileOptions<T> {
  readonly file: string;
  readonly maxBytes: number;
  readonly clock: Pick<Clock, 'after'>;
  /** Returns the content of a text. Throws an Error whose message follows the name of the file. */
  readonly parse: (text: string) => T;
  /** Makes the error of a file that cannot be used at the start. */
  readonly errorOf: (message: string) => Error;
  /** Receives the content of a changed file; `wasBroken` after a fault. */
  readonly onChange: (content: T, wasBroken: boolean) => void;
  /** Receives why the file cannot be used; called once per change. */
  readonly onFault: (message: string) => void;
}

/** Reads a file, and reads it again when it has changed. */
export class WatchedFile<T> {
  /** The last valid content. */
  content: T;
  readonly #options: WatchedFileOptions<T>;
  /** The version that was read; empty after a fault, which may go without a new version. */
  #version = '';
  /** The version and the message of the last fault; null when the file is valid. */
  #lastFault: string | null = null;
  #cancel: Cancel | null = null;
  #isStopped = false;

  /** Reads the file. @throws the error of `errorOf`, whose message names the file */
  constructor(options: WatchedFileOptions<T>) {
    this.#options = options;
    try {
      const version = versionOf(options);
      this.content = contentOf(options);
      this.#version = version;
    } catch (error) {
      throw options.errorOf(fileFault(options.file, error));
    }
  }

  /** Polls the file from now on, the first time at once. Idempotent. */
  watch(): void {
    if (this.#isStopped || this.#cancel !== null) return;
    this.#poll();
    this.#cancel = this.#options.clock.after(POLL_MS, () => {
      this.#cancel = null;
      this.watch();
    });
  }

  /** Stops polling. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #poll(): void {
    let version = '';
    try {
      // From before the read: the next poll finds a later change.
      version = versionOf(this.#options);
      if (version === this.#version) return;
      this.content = contentOf(this.#options);
    } catch (error) {
      this.#version = '';
      const message = fileFault(this.#options.file, error);
      const fault = `${version} ${message}`;
      if (fault !== this.#lastFault) this.#options.onFault(message);
      this.#lastFault = fault;
      return;
    }
    this.#version = version;
    const wasBroken = this.#lastFault !== null;
    this.#lastFault = null;
    this.#options.onChange(this.content, wasBroken);
  }
}

/** Returns the version of a file. Its ctime also changes with its rights, and when a program restores its mtime. */
function versionOf({ file, maxBytes }: Pick<WatchedFileOptions<unknown>, 'file' | 'maxBytes'>): string {
  const stat = statSync(file, { bigint: true });
  if (!stat.isFile()) throw new Error('is not a regular file');
  if (stat.size > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`);
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}

/** Refuses a file that other users may change: its content decides about trust. */
function contentOf<T>({ file, parse }: WatchedFileOptions<T>): T {
  const refused = refusedRights(file);
  if (refused !== null) throw new Error(refused);
  return parse(readUtf8(file));
}
