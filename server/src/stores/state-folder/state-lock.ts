/**
 * The lock of a state folder: a file that names the server that uses it. Two servers would each write what the other reads at its next
 * start, and one of them would lose. The lock of a process that has ended is free, however it ended and whoever has its number now.
 *
 * The file appears whole and only where there is none (link(2)). To take over the lock of an ended process is up to whoever makes a
 * second file, named for that very lock; so of two servers that find it at once one waits.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Cancel, Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { makeFile } from './make-file.js';
import { isRunning, ownIdentity, processIdentitySchema } from './process-identity.js';
import { StateFolderError } from './state-folder.js';

/** A supervisor starts a server sooner than the one before it has ended. */
const WAIT_MS = 5_000;
const LOOK_MS = 50;
/** How often a holder shows that it lives, to those who cannot see its process. */
const BEAT_MS = 1_000;
/** A holder that cannot be seen and shows nothing for so long has ended, as long as somebody watched; else only after a minute. */
const SILENT_MS = 4_000;
const LONG_SILENT_MS = 60_000;
const FILE_MODE = 0o600;
/** The folder cannot be written to. */
const READ_ONLY: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);

const holderSchema = processIdentitySchema.extend({ nonce: z.string().regex(/^[0-9a-f]{16}$/) });
type Holder = z.output<typeof holderSchema>;

/** Another server's lock, as it was found. */
interface AuthResult {
  /** Null where the file is not whole, or none of ours. */
  readonly holder: Holder | null;
  readonly text: string;
  readonly touchedAtMs: number;
}

/** What a lock stands on. */
export interface StateLockParts {
  /** The file, in the folder that is locked. */
  readonly file: string;
  /** The folder, for messages. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The lock of a folder. */
export class StateLock {
  readonly #parts: StateLockParts;
  /** What the file says when the lock is this one's; null while it is not held. */
  #text: string | null = null;
  /** Whether the folder cannot be written to, and nothing is to be guarded. */
  #isReadOnly = false;
  #cancel: Cancel | null = null;
  /** What was found last, and since when it has been as it is, in monotonic time. */
  #watched: { readonly key: string; readonly since: number } | null = null;

  constructor(parts: StateLockParts) {
    this.#parts = parts;
  }

  /** Takes the lock, once another server has let it go, for which 5 s are waited; or gives up when told to. @throws StateFolderError that names the other process */
  async take(isGivenUp: () => boolean): Promise<void> {
    const { clock } = this.#parts;
    const deadline = clock.monotonic() + WAIT_MS;
    // Timers of the clock keep no process alive, and there may be nothing else yet.
    const keep = setInterval(() => undefined, WAIT_MS);
    try {
      for (;;) {
        if (isGivenUp()) return;
        const other = this.#tryTake();
        if (other === null) return;
        if (clock.monotonic() >= deadline) throw this.#refusal(other);
        await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
      }
    } finally {
      clearInterval(keep);
    }
  }

  /** Takes the lock at once. @throws StateFolderError that names the process that has it */
  takeNow(): void {
    const other = this.#tryTake();
    if (other !== null) throw this.#refusal(other);
  }

  /** Lets it go. Idempotent. */
  release(): void {
    this.#cancel?.();
    this.#cancel = null;
    const text = this.#text;
    this.#text = null;
    if (text !== null && this.#find()?.text === text) rmSync(this.#parts.file, { force: true });
  }

  /** Takes the lock; answers the one that is in the way, or null when it is held. */
  #tryTake(): AuthResult | null {
    if (this.#text !== null || this.#isReadOnly) return null;
    const nonce = randomBytes(8).toString('hex');
    const text = `${JSON.stringify({ ...ownIdentity(), nonce } satisfies Holder)}\n`;
    for (;;) {
      const found = this.#find();
      if (found !== null && !this.#isFree(found)) return found;
      const outcome = this.#write(nonce, text, found);
      if (outcome === 'lost') {
        const other = this.#find();
        if (other === null) continue;
        return other;
      }
      if (outcome === 'read-only') this.#tellReadOnly();
      else this.#hold(text);
      return null;
    }
  }

  #hold(text: string): void {
    this.#text = text;
    this.#beat();
  }

  /** Writes the lock in place of `found`. `lost`: another server was quicker. */
  #write(nonce: string, text: string, found: AuthResult | null): 'held' | 'lost' | 'read-only' {
    const own = `${this.#parts.file}.${nonce}`;
    try {
      writeFileSync(own, text, { mode: FILE_MODE, flag: 'wx' });
      if (found !== null && !this.#remove(own, text, found)) return 'lost';
      return makeFile(own, this.#parts.file, text) ? 'held' : 'lost';
    } catch (error) {
      if (READ_ONLY.has(String((error as NodeJS.ErrnoException).code))) return 'read-only';
      const { folder } = this.#parts;
      throw new StateFolderError(`the state folder "${folder}" cannot be locked: ${String(error)}`);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Removes a lock that is free; false when it is another one by now, or another server is at it. */
  #remove(own: string, text: string, found: AuthResult): boolean {
    const { file } = this.#parts;
    const guard = `${file}.of-${found.holder?.nonce ?? 'nobody'}`;
    if (!makeFile(own, guard, text)) {
      // Whoever made it does three things and is done: it has ended in the middle.
      const since = touchedAt(guard);
      if (since !== null && this.#parts.clock.now() - since > LONG_SILENT_MS) rmSync(guard, { force: true });
      return false;
    }
    try {
      // Nobody else removes this lock now, and nothing can take its place while it is there.
      if (this.#find()?.text !== found.text) return false;
      unlinkSync(file);
      return true;
    } finally {
      rmSync(guard, { force: true });
    }
  }

  #find(): AuthResult | null {
    const { file } = this.#parts;
    const touchedAtMs = touchedAt(file);
    if (touchedAtMs === null) return null;
    try {
      const text = readFileSync(file, 'utf8');
      return { text, touchedAtMs, holder: holderOf(text) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw new StateFolderError(`"${file}" cannot be read: ${String(error)}`);
    }
  }

  /** Whether the process that a lock names has ended. */
  #isFree(found: AuthResult): boolean {
    const running = found.holder === null ? null : isRunning(found.holder);
    if (running !== null) return !running;
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const key = `${found.touchedAtMs} ${found.text}`;
    if (this.#watched?.key !== key) this.#watched = { key, since: now };
    return now - this.#watched.since >= SILENT_MS || clock.now() - found.touchedAtMs > LONG_SILENT_MS;
  }

  /** Shows that this server lives, and looks whether the lock is still its own. */
  #beat(): void {
    const { clock, file, folder, log } = this.#parts;
    this.#cancel = clock.after(BEAT_MS, () => {
      try {
        const found = this.#find();
        if (found !== null && found.text !== this.#text) {
          const { pid, host } = found.holder ?? {};
          log.error({ folder, pid, host }, 'another server has taken the lock of the state folder');
          return;
        }
        if (found !== null) utimesSync(file, clock.now() / 1_000, clock.now() / 1_000);
      } catch (error) {
        log.warn({ folder, reason: String(error) }, 'the lock of the state folder cannot be kept');
      }
      this.#beat();
    });
  }

  #tellReadOnly(): void {
    const { folder, log } = this.#parts;
    this.#isReadOnly = true;
    log.warn({ folder }, 'the state folder cannot be written to, so nothing will outlive this server');
  }

  #refusal({ holder }: AuthResult): StateFolderError {
    const { folder, file } = this.#parts;
    const advice = 'stop that one, or give this one a folder of its own (--state-dir)';
    if (holder === null) {
      return new StateFolderError(
        `the state folder "${folder}" is locked by "${file}", which names no process`,
      );
    }
    const { pid, host, place } = holder;
    const own = ownIdentity();
    const where = place === own.place ? '' : ` on "${host}", another machine or container`;
    const which = pid === own.pid && where === '' ? `in this process, ${pid}` : `process ${pid}${where}`;
    return new StateFolderError(
      `the state folder "${folder}" is in use by another Dobby (${which}): ${advice}`,
    );
  }
}

function touchedAt(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function holderOf(text: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
