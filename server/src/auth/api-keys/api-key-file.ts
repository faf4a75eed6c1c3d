/**
 * The file of further API keys. It is read at the start, and again when it has changed, which is looked for once a second: editors and
 * Kubernetes replace files by renaming, which not every watcher of files sees. A file that is broken or gone meanwhile changes nothing.
 */
import { statSync } from 'node:fs';
import type { Cancel, Clock } from '../../core/time/clock.js';
import { readUtf8 } from '../../http/utf8.js';
import { refusedRights } from '../../stores/state-folder/file-rights.js';
import { ApiKeyFileError, parseKeys } from './api-key-list.js';
import type { ApiKeys } from './api-keys.js';

/** How often it is looked whether the file has changed. */
const LOOK_MS = 1_000;
const MAX_BYTES = 1024 * 1024;

/** What a key file stands on. */
export interface ApiKeyFileParts {
  readonly file: string;
  /** Told of what the file holds. */
  readonly keys: ApiKeys;
  /** The methods of the API, by name. */
  readonly methods: readonly string[];
  readonly clock: Pick<Clock, 'after'>;
  /** The file has changed: the names that are good from now on. */
  readonly onChange: (names: readonly string[]) => void;
  /** The file cannot be used; told once per change. */
  readonly onFault: (error: ApiKeyFileError) => void;
}

/** The file of further API keys, read. */
export class ApiKeyFile {
  readonly #parts: ApiKeyFileParts;
  /** Which version of the file is in force. */
  #stamp: string;
  /** The fault that was told last, with its version; null when there is none. */
  #told: string | null = null;
  #cancel: Cancel | null = null;
  #isStopped = false;

  /** @throws ApiKeyFileError that names the file and the field */
  constructor(parts: ApiKeyFileParts) {
    this.#parts = parts;
    this.#stamp = this.#stampNow();
    this.#read();
  }

  /** Looks from now on whether the file has changed, first at once. Idempotent. */
  watch(): void {
    if (this.#isStopped || this.#cancel !== null) return;
    this.#look();
    this.#cancel = this.#parts.clock.after(LOOK_MS, () => {
      this.#cancel = null;
      this.watch();
    });
  }

  /** Looks no more. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** A file at fault is tried again each time, since what is in the way may go without a change of the file. */
  #look(): void {
    let stamp = '';
    try {
      stamp = this.#stampNow();
      if (stamp !== this.#stamp) {
        const names = this.#read();
        // Of the file before it was read: a change since then is seen the next time.
        this.#stamp = stamp;
        this.#parts.onChange(names);
      }
      this.#told = null;
    } catch (error) {
      if (!(error instanceof ApiKeyFileError)) throw error;
      const told = `${stamp} ${error.message}`;
      if (told === this.#told) return;
      this.#told = told;
      this.#parts.onFault(error);
    }
  }

  #read(): string[] {
    const { file, keys, methods } = this.#parts;
    try {
      const refused = refusedRights(file);
      if (refused !== null) throw new ApiKeyFileError(`it ${refused}`);
      const text = readUtf8(file);
      const scoped = parseKeys(text, { methods, isTaken: (digest) => keys.isFull(digest) });
      keys.replaceScoped(scoped);
      return scoped.map(({ name }) => String(name));
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  /** Says which version of the file is there. The time of its last change of any kind tells also of rights, and of what keeps the other time. */
  #stampNow(): string {
    const { file } = this.#parts;
    try {
      const stat = statSync(file, { bigint: true });
      if (!stat.isFile()) throw new ApiKeyFileError('this is no file');
      if (stat.size > MAX_BYTES) throw new ApiKeyFileError(`this is larger than ${MAX_BYTES} bytes`);
      return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  #faultOf(error: unknown): ApiKeyFileError {
    const { file } = this.#parts;
    if (error instanceof ApiKeyFileError) return new ApiKeyFileError(`${file}: ${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new ApiKeyFileError(`there is no file ${file}`);
    return new ApiKeyFileError(`${file}: it cannot be read: ${message}`);
  }
}
