/**
 * Reads the file of scoped API keys, and reads it again when it has changed. It polls once a second: editors and
 * Kubernetes replace files by renaming, which not every file watcher sees. While the file is broken or absent, the last
 * keys stay valid.
 */
import { statSync } from 'node:fs';
import type { Cancel, Clock } from '../../core/time/clock.js';
import { readUtf8 } from '../../http/utf8.js';
import { refusedRights } from '../../stores/state-folder/file-rights.js';
import { ApiKeyFileError, parseKeys } from './api-key-list.js';
import type { ApiKeys } from './api-keys.js';

const POLL_MS = 1_000;
const MAX_BYTES = 1024 * 1024;

/** Options of an `ApiKeyFile`. */
export interface ApiKeyFileOptions {
  readonly file: string;
  /** Receives the keys of the file. */
  readonly keys: ApiKeys;
  /** Names of the API's methods. */
  readonly methods: readonly string[];
  readonly clock: Pick<Clock, 'after'>;
  /** Receives the names of all keys after the file has changed. */
  readonly onChange: (names: readonly string[]) => void;
  /** Receives why the file cannot be used; called once per change. */
  readonly onFault: (error: ApiKeyFileError) => void;
}

/** Loads scoped API keys from a file. */
export class ApiKeyFile {
  readonly #options: ApiKeyFileOptions;
  /** The version of the file that was loaded. */
  #version: string;
  /** The version and the message of the last fault; null when the file is valid. */
  #lastFault: string | null = null;
  #cancel: Cancel | null = null;
  #isStopped = false;

  /** Reads the file. @throws ApiKeyFileError that names the file and the field */
  constructor(options: ApiKeyFileOptions) {
    this.#options = options;
    this.#version = this.#currentVersion();
    this.#read();
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

  /** Reads a changed file. Retries a faulty file on every poll: its fault may go without a new version. */
  #poll(): void {
    let version = '';
    try {
      version = this.#currentVersion();
      if (version !== this.#version) {
        const names = this.#read();
        // The version from before the read: the next poll finds a later change.
        this.#version = version;
        this.#options.onChange(names);
      }
      this.#lastFault = null;
    } catch (error) {
      if (!(error instanceof ApiKeyFileError)) throw error;
      const fault = `${version} ${error.message}`;
      if (fault === this.#lastFault) return;
      this.#lastFault = fault;
      this.#options.onFault(error);
    }
  }

  #read(): string[] {
    const { file, keys, methods } = this.#options;
    try {
      const refused = refusedRights(file);
      if (refused !== null) throw new ApiKeyFileError(`the file ${refused}`);
      const text = readUtf8(file);
      const scoped = parseKeys(text, { methods, isFull: (digest) => keys.isFull(digest) });
      keys.replaceScoped(scoped);
      return scoped.map(({ name }) => String(name));
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  /** Returns the version of the file. Its ctime also changes with its rights, and when a program restores its mtime. */
  #currentVersion(): string {
    const { file } = this.#options;
    try {
      const stat = statSync(file, { bigint: true });
      if (!stat.isFile()) throw new ApiKeyFileError('this is not a regular file');
      if (stat.size > MAX_BYTES) throw new ApiKeyFileError(`the file is larger than ${MAX_BYTES} bytes`);
      return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  #faultOf(error: unknown): ApiKeyFileError {
    const { file } = this.#options;
    if (error instanceof ApiKeyFileError) return new ApiKeyFileError(`${file}: ${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new ApiKeyFileError(`the file ${file} does not exist`);
    return new ApiKeyFileError(`${file}: the file cannot be read: ${message}`);
  }
}
