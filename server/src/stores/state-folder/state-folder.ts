/**
 * The state folder: what must outlive the process and is nobody else's to read. It holds the keys and secrets that were made
 * when none were configured, two generations of ticket secrets, and the revocations of one ticket lifetime. Files are
 * replaced whole, by rename; the journal is appended to, line by line.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { checkedSecrets } from '../../../../protocol/secrets.js';
import { readUtf8 } from '../../http/utf8.js';
import { looseRights, refusedRights } from './file-rights.js';
import { makeFile } from './make-file.js';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS_WRITE = 0o022;
const MIN_KEY_CHARACTERS = 16;
const KEY_BYTES = 24;
/** HS256 wants as many bytes as its digest has. */
const MIN_TOKEN_SECRET_CHARACTERS = 32;
const SECRET_BYTES = 32;
/** A secret is replaced after a day; the one before stays good until then. */
const SECRET_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** A secret that could not be replaced is tried again after this. */
const RETRY_MS = 60_000;

/** What a key is like that nothing else is said of. */
const KEY = { minCharacters: MIN_KEY_CHARACTERS, bytes: KEY_BYTES };

/** Files of the folder that hold no secrets. */
const PUBLIC_FILES: ReadonlySet<string> = new Set(['.gitignore', 'lock']);

const secretsSchema = z.strictObject({
  madeAt: z.int(),
  secrets: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1)
    .max(2),
});

/** A file of the state folder cannot be used; the message names it and what to do. */
export class StateFolderError extends Error {
  override readonly name = 'StateFolderError';
}

/** What a file of keys or secrets holds, which was made perhaps just now. */
export interface MadeKey {
  /** The first, which signs. */
  readonly key: string;
  /** All that verify. */
  readonly keys: readonly string[];
  readonly isNew: boolean;
}

/** The state folder, open. */
export class StateFolder {
  readonly path: string;
  readonly #onFault: (error: unknown) => void;
  #madeAt = 0;
  #secrets: readonly Buffer[] = [];

  /**
   * Makes the folder when it is not there; one that is there is left as it is, and refused when others may write to it.
   * `onFault` is told of what goes wrong later. @throws StateFolderError
   */
  constructor(path: string, onFault: (error: unknown) => void) {
    this.path = path;
    this.#onFault = onFault;
    try {
      if (!existsSync(path)) {
        mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
        // Nobody means to commit a key.
        writeFileSync(join(path, '.gitignore'), '*\n', { mode: FILE_MODE });
      }
    } catch (error) {
      throw new StateFolderError(`the state folder "${path}" cannot be made: ${String(error)}`);
    }
    const { mode, uid } = statSync(path);
    if ((mode & OTHERS_WRITE) !== 0) {
      throw new StateFolderError(
        `the state folder "${path}" can be written to by others: chmod 700 "${path}"`,
      );
    }
    if (uid !== 0 && uid !== process.getuid?.()) {
      throw new StateFolderError(`the state folder "${path}" belongs to somebody else`);
    }
    for (const name of readdirSync(path)) this.#refuseLoose(this.file(name));
  }

  /** What is to be warned of: files that everybody may read, or a group change. */
  get warnings(): string[] {
    const secrets = readdirSync(this.path).filter((name) => !PUBLIC_FILES.has(name));
    return secrets.map((name) => looseRights(this.file(name))).filter((text) => text !== null);
  }

  #refuseLoose(file: string): void {
    const refused = refusedRights(file);
    if (refused !== null) throw new StateFolderError(`"${file}" ${refused}`);
  }

  /** Where a file of the folder lies. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** The API keys of this folder, and whether they were made just now. */
  apiKey(): MadeKey {
    return this.#madeKey('api-key');
  }

  /** The secret of this folder that signs what the back end is asked: the first in its file. */
  webhookSecret(): string {
    return this.#madeKey('webhook-secret').key;
  }

  /** The secrets of this folder that tokens may be signed with; the first is the one to sign with. */
  tokenSecrets(): MadeKey {
    return this.#madeKey('token-secret', { minCharacters: MIN_TOKEN_SECRET_CHARACTERS, bytes: SECRET_BYTES });
  }

  #madeKey(name: string, { minCharacters, bytes } = KEY): MadeKey {
    const file = this.file(name);
    const text = this.#read(file);
    const known = text === undefined ? null : checkedSecrets(text, minCharacters);
    if (known !== null) return { key: known[0], keys: known, isNew: false };
    if (text !== undefined) {
      const rule = `each line must have at least ${minCharacters} characters of ASCII, no spaces`;
      throw new StateFolderError(`"${file}" holds no key; delete it and a new one is made (${rule})`);
    }
    const key = randomBytes(bytes).toString('base64url');
    if (this.#make(file, `${key}\n`)) return { key, keys: [key], isNew: true };
    // Another process has just made it.
    return this.#madeKey(name, { minCharacters, bytes });
  }

  /** The secrets that sign tickets, newest first; a new one is made when the newest is a day old. */
  ticketSecrets(now: number): readonly Buffer[] {
    if (this.#secrets.length === 0) this.#loadSecrets();
    if (this.#secrets.length === 0) this.#makeSecret(now);
    else if (now - this.#madeAt > SECRET_LIFETIME_MS) this.#replaceSecret(now);
    return this.#secrets;
  }

  /** A secret that cannot be replaced goes on; the server must not end because a disk is full. */
  #replaceSecret(now: number): void {
    try {
      this.#makeSecret(now);
    } catch (error) {
      this.#madeAt = now - SECRET_LIFETIME_MS + RETRY_MS;
      this.#onFault(error);
    }
  }

  #makeSecret(now: number): void {
    const made = [randomBytes(SECRET_BYTES), ...this.#secrets.slice(0, 1)];
    const secrets = made.map((secret) => secret.toString('hex'));
    this.#write(this.file('ticket-secrets.json'), `${JSON.stringify({ madeAt: now, secrets })}\n`);
    this.#secrets = made;
    this.#madeAt = now;
  }

  #loadSecrets(): void {
    const file = this.file('ticket-secrets.json');
    const text = this.#read(file);
    if (text === undefined) return;
    try {
      const { madeAt, secrets } = secretsSchema.parse(JSON.parse(text));
      this.#madeAt = madeAt;
      this.#secrets = secrets.map((secret) => Buffer.from(secret, 'hex'));
    } catch {
      throw new StateFolderError(`"${file}" is damaged; delete it: every client then opens a new session`);
    }
  }

  #read(file: string): string | undefined {
    this.#refuseLoose(file);
    try {
      return existsSync(file) ? readUtf8(file) : undefined;
    } catch (error) {
      throw new StateFolderError(`"${file}" cannot be read: ${String(error)}`);
    }
  }

  /** Replaces a file. */
  #write(file: string, text: string): void {
    this.#prepare(file, text, (own) => renameSync(own, file));
  }

  /** Makes a file if there is none; false when there is one. */
  #make(file: string, text: string): boolean {
    return this.#prepare(file, text, (own) => makeFile(own, file, text));
  }

  /** Writes a file of this process's own, from which `use` makes the other, so that no process reads half of it. */
  #prepare<T>(file: string, text: string, use: (own: string) => T): T {
    const own = `${file}.${randomBytes(4).toString('hex')}.new`;
    try {
      writeFileSync(own, text, { mode: FILE_MODE, flag: 'wx' });
      return use(own);
    } catch (error) {
      throw new StateFolderError(`"${file}" cannot be written: ${String(error)}`);
    } finally {
      rmSync(own, { force: true });
    }
  }
}
