/**
 * Keys from a file. It is read at once, and again when it has become another, which is looked at when a token is checked and once a
 * second at the most. A file that is broken while the server runs changes nothing but the log.
 */
import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Clock } from '../../core/time/clock.js';
import { NOT_UTF8, utf8Of } from '../../http/utf8.js';
import type { Log } from '../../observe/log.js';
import { refusedRights } from '../../stores/state-folder/file-rights.js';
import { KeySet, KeySetError, MAX_SET_BYTES } from './key-set.js';
import { type KeySource, TokenKeysError } from './key-source.js';

const LOOK_EVERY_MS = 1_000;

/** What a file of keys stands on. */
export interface KeySetFileParts {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A file of keys. */
export class KeySetFile implements KeySource {
  readonly #parts: KeySetFileParts;
  #keys: KeySet;
  #lookedAt: number;
  /** What tells the file that was read from another; null where that is not known. */
  #seen: string | null;
  #looking: Promise<void> | null = null;
  #isBroken = false;

  /** @throws TokenKeysError */
  constructor(parts: KeySetFileParts) {
    this.#parts = parts;
    const { keys, seen } = readNow(parts.file);
    this.#keys = keys;
    this.#seen = seen;
    this.#lookedAt = parts.clock.monotonic();
    this.#tellIgnored();
  }

  async keys(): Promise<KeySet> {
    const now = this.#parts.clock.monotonic();
    if (this.#looking === null && now - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = now;
      this.#looking = this.#look().finally(() => {
        this.#looking = null;
      });
    }
    await this.#looking;
    return this.#keys;
  }

  newerKeys(): Promise<KeySet> {
    return this.keys();
  }

  start(): void {
    // It was read when it was made.
  }

  async stop(): Promise<void> {
    // Nothing is held.
  }

  async #look(): Promise<void> {
    const { file, log } = this.#parts;
    try {
      // Before it is read: what is written meanwhile is read the next time.
      const seen = signatureOf(await stat(file, { bigint: true }));
      if (seen === this.#seen) return;
      this.#keys = new KeySet(await readLater(file));
      this.#seen = seen;
      this.#tellIgnored();
      if (this.#isBroken) log.info({ file }, 'the keys of tokens can be read again');
      this.#isBroken = false;
    } catch (error) {
      this.#seen = null;
      if (!this.#isBroken)
        log.error({ file, reason: reasonOf(error) }, 'the keys of tokens stay as they were');
      this.#isBroken = true;
    }
  }

  #tellIgnored(): void {
    const { file, log } = this.#parts;
    const { ignored } = this.#keys;
    if (ignored.length > 0) log.warn({ file, ignored }, 'no token is checked with some of the keys');
  }
}

function readNow(file: string): { keys: KeySet; seen: string } {
  try {
    const seen = signatureOf(statSync(file, { bigint: true }));
    mustBeOurs(file);
    const bytes = readFileSync(file);
    if (bytes.length > MAX_SET_BYTES) throw tooLarge();
    const keys = new KeySet(textOf(bytes));
    if (keys.size > 0) return { keys, seen };
    throw new KeySetError(['holds no key for tokens', ...keys.ignored].join('; '));
  } catch (error) {
    throw new TokenKeysError(`tokenKeys: "${file}" ${reasonOf(error)}`);
  }
}

async function readLater(file: string): Promise<string> {
  mustBeOurs(file);
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).size > MAX_SET_BYTES) throw tooLarge();
    return textOf(await handle.readFile());
  } finally {
    await handle.close();
  }
}

/** Who may change the file may make tokens. */
function mustBeOurs(file: string): void {
  const refused = refusedRights(file);
  if (refused !== null) throw new KeySetError(refused);
}

function textOf(bytes: Uint8Array): string {
  const text = utf8Of(bytes);
  if (text === null) throw new KeySetError(NOT_UTF8);
  return text;
}

const signatureOf = ({ mtimeNs, ctimeNs, size, ino }: BigIntStats) => [mtimeNs, ctimeNs, size, ino].join(' ');

const tooLarge = () => new KeySetError(`is larger than ${MAX_SET_BYTES} bytes`);

function reasonOf(error: unknown): string {
  return error instanceof KeySetError ? error.message : `cannot be read: ${(error as Error).message}`;
}
