/**
 * Token keys from a file. It is read at the start, and again when it has changed. Checking a token looks for a change,
 * at most once a second. While the file is broken the last keys stay valid, and the log says so.
 */
import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Clock } from '../../core/time/clock.js';
import { NOT_UTF8, utf8Of } from '../../http/utf8.js';
import type { Log } from '../../observe/log.js';
import { refusedRights } from '../../stores/state-folder/file-rights.js';
import { KeySet, KeySetError, MAX_SET_BYTES } from './key-set.js';
import { type KeySource, TokenKeysError } from './key-source.js';

const CHECK_EVERY_MS = 1_000;

/** Options of a `KeySetFile`. */
export interface KeySetFileOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A JWKS file. */
export class KeySetFile implements KeySource {
  readonly #options: KeySetFileOptions;
  #keys: KeySet;
  #checkedAt: number;
  /** The version of the file that was read; null after a fault. */
  #version: string | null;
  #checking: Promise<void> | null = null;
  #isBroken = false;

  /** @throws TokenKeysError */
  constructor(options: KeySetFileOptions) {
    this.#options = options;
    const { keys, version } = readNow(options.file);
    this.#keys = keys;
    this.#version = version;
    this.#checkedAt = options.clock.monotonic();
    this.#logIgnored();
  }

  async keys(): Promise<KeySet> {
    const now = this.#options.clock.monotonic();
    if (this.#checking === null && now - this.#checkedAt >= CHECK_EVERY_MS) {
      this.#checkedAt = now;
      this.#checking = this.#check().finally(() => {
        this.#checking = null;
      });
    }
    await this.#checking;
    return this.#keys;
  }

  newerKeys(): Promise<KeySet> {
    return this.keys();
  }

  start(): void {
    // The constructor has read the file.
  }

  async stop(): Promise<void> {
    // The file is not kept open.
  }

  async #check(): Promise<void> {
    const { file, log } = this.#options;
    try {
      // Taken before the read: a change during the read is found the next time.
      const version = versionOf(await stat(file, { bigint: true }));
      if (version === this.#version) return;
      this.#keys = new KeySet(await readLater(file));
      this.#version = version;
      this.#logIgnored();
      if (this.#isBroken) log.info({ file }, 'the token keys can be read again');
      this.#isBroken = false;
    } catch (error) {
      this.#version = null;
      if (!this.#isBroken)
        log.error({ file, reason: reasonOf(error) }, 'the token keys cannot be read: old ones stay valid');
      this.#isBroken = true;
    }
  }

  #logIgnored(): void {
    const { file, log } = this.#options;
    const { ignored } = this.#keys;
    if (ignored.length > 0) log.warn({ file, ignored }, 'some token keys are ignored');
  }
}

function readNow(file: string): { keys: KeySet; version: string } {
  try {
    const version = versionOf(statSync(file, { bigint: true }));
    checkRights(file);
    const bytes = readFileSync(file);
    if (bytes.length > MAX_SET_BYTES) throw tooLarge();
    const keys = new KeySet(textOf(bytes));
    if (keys.size > 0) return { keys, version };
    throw new KeySetError(['holds no usable key', ...keys.ignored].join('; '));
  } catch (error) {
    throw new TokenKeysError(`tokenKeys: "${file}" ${reasonOf(error)}`);
  }
}

async function readLater(file: string): Promise<string> {
  checkRights(file);
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).size > MAX_SET_BYTES) throw tooLarge();
    return textOf(await handle.readFile());
  } finally {
    await handle.close();
  }
}

/** Refuses a file that other users may change: its keys decide which tokens are accepted. */
function checkRights(file: string): void {
  const refused = refusedRights(file);
  if (refused !== null) throw new KeySetError(refused);
}

function textOf(bytes: Uint8Array): string {
  const text = utf8Of(bytes);
  if (text === null) throw new KeySetError(NOT_UTF8);
  return text;
}

const versionOf = ({ mtimeNs, ctimeNs, size, ino }: BigIntStats) => [mtimeNs, ctimeNs, size, ino].join(' ');

const tooLarge = () => new KeySetError(`is larger than ${MAX_SET_BYTES} bytes`);

function reasonOf(error: unknown): string {
  return error instanceof KeySetError ? error.message : `cannot be read: ${(error as Error).message}`;
}
