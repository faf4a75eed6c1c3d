/**
 * The state folder: private files that survive a restart. It holds generated keys and secrets, two generations of
 * ticket secrets, and the revocation journals. Files are replaced atomically, by rename; journals are appended to.
 */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { checkedSecrets } from '../../../../protocol/secrets.js';
import { readUtf8 } from '../../http/utf8.js';
import { looseRights, refusedRights } from './file-rights.js';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS_WRITE = 0o022;
/** Keys and secrets that are made, by the name of their file: the shortest that is accepted, and the size of a new one. */
const MADE = {
  'api-key': { minCharacters: 16, bytes: 24 },
  'webhook-secret': { minCharacters: 16, bytes: 24 },
  // HS256 requires as many bytes as its digest has (RFC 7518, 3.2).
  'token-secret': { minCharacters: 32, bytes: 32 },
};
const TICKET_SECRET_BYTES = 32;
/** A ticket secret is replaced after a day; the one before it stays valid until the next replacement. */
const SECRET_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** The pause after a failed replacement. */
const RETRY_MS = 60_000;

/** Files of the folder that hold no secrets. */
const PUBLIC_FILES: ReadonlySet<string> = new Set(['.gitignore', 'lock']);

const secretsSchema = z.strictObject({
  madeAt: z.int(),
  secrets: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1)
    .max(2),
});

/** Thrown when the state folder or a file in it cannot be used; the message names it and the remedy. */
export class StateFolderError extends Error {
  override readonly name = 'StateFolderError';
}

/** The content of a file of keys or secrets. */
export interface MadeKey {
  /** The first key, which signs. */
  readonly key: string;
  /** All keys, which verify. */
  readonly keys: readonly string[];
  /** Whether this call has created the file. */
  readonly isNew: boolean;
}

/** An open state folder. */
export class StateFolder {
  readonly path: string;
  readonly #onFault: (error: unknown) => void;
  #madeAt = 0;
  #secrets: readonly Buffer[] = [];

  /**
   * Creates the folder if necessary; refuses one that other users may write to. `onFault` receives later errors.
   * @throws StateFolderError
   */
  constructor(path: string, onFault: (error: unknown) => void) {
    this.path = path;
    this.#onFault = onFault;
    try {
      if (!existsSync(path)) {
        mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
        // Keeps the keys out of commits.
        writeFileSync(join(path, '.gitignore'), '*\n', { mode: FILE_MODE });
      }
    } catch (error) {
      throw new StateFolderError(`the state folder "${path}" cannot be created: ${String(error)}`);
    }
    const { mode, uid } = statSync(path);
    if ((mode & OTHERS_WRITE) !== 0) {
      throw new StateFolderError(
        `other users can write to the state folder "${path}": run chmod 700 "${path}"`,
      );
    }
    if (uid !== 0 && uid !== process.getuid?.()) {
      throw new StateFolderError(`another user owns the state folder "${path}": name your own (--state-dir)`);
    }
    for (const name of readdirSync(path)) this.#refuseLoose(this.file(name));
  }

  /** Returns warnings of secrets that every user may read, or their group change. */
  get warnings(): string[] {
    const secrets = readdirSync(this.path).filter((name) => !PUBLIC_FILES.has(name));
    return secrets.map((name) => looseRights(this.file(name))).filter((text) => text !== null);
  }

  #refuseLoose(file: string): void {
    const refused = refusedRights(file);
    if (refused !== null) throw new StateFolderError(`"${file}" ${refused}`);
  }

  /** Returns the path of a file in the folder. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Returns the keys of the API, or secrets, that a file of the folder holds; makes one if necessary. */
  made(name: keyof typeof MADE): MadeKey {
    const { minCharacters, bytes } = MADE[name];
    const file = this.file(name);
    const found = this.#read(file);
    const keys = found === undefined ? null : checkedSecrets(found, minCharacters);
    if (keys !== null) return { key: keys[0], keys, isNew: false };
    if (found !== undefined) {
      const rule = `each line must have at least ${minCharacters} characters of ASCII, no spaces`;
      throw new StateFolderError(`"${file}" holds no valid key: delete it to get a new one (${rule})`);
    }
    const key = randomBytes(bytes).toString('base64url');
    const text = `${key}\n`;
    const isNew = this.#prepare(file, text, (own) => makeFile(own, file, text));
    if (isNew) return { key, keys: [key], isNew };
    // Another process has just created the file.
    return this.made(name);
  }

  /** Returns the ticket secrets, newest first; makes a new one when the newest is a day old. */
  ticketSecrets(now: number): readonly Buffer[] {
    if (this.#secrets.length === 0) this.#loadSecrets();
    if (this.#secrets.length === 0) this.#makeSecret(now);
    if (now - this.#madeAt <= SECRET_LIFETIME_MS) return this.#secrets;
    try {
      this.#makeSecret(now);
    } catch (error) {
      // The old secret stays: a full disk must not end the server.
      this.#madeAt = now - SECRET_LIFETIME_MS + RETRY_MS;
      this.#onFault(error);
    }
    return this.#secrets;
  }

  #makeSecret(now: number): void {
    const made = [randomBytes(TICKET_SECRET_BYTES), ...this.#secrets.slice(0, 1)];
    const secrets = made.map((secret) => secret.toString('hex'));
    const file = this.file('ticket-secrets.json');
    const text = `${JSON.stringify({ madeAt: now, secrets })}\n`;
    this.#prepare(file, text, (own) => renameSync(own, file));
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
      throw new StateFolderError(`"${file}" is damaged: delete it; every client then opens a new session`);
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

  /** Writes a temporary file, from which `use` creates the final one, so that no process reads an incomplete file. */
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

/**
 * Links `own`, which holds `text`, as `file`; returns false when `file` exists. When several processes create the same
 * file at once, exactly one succeeds. @throws errors of the file system
 */
export function makeFile(own: string, file: string, text: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  // Not every file system has links. Without them a reader may see an incomplete file for a moment.
  try {
    writeFileSync(file, text, { mode: FILE_MODE, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
