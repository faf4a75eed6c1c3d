/**
 * The lock of a state folder: a file that names the process of its server. Two servers would overwrite each other's
 * state. The lock of a process that has ended is free, even when another process has its pid now.
 *
 * The file is created atomically (link(2)). A server that takes over the lock of an ended process first creates a guard
 * file, named after that lock. So one of two servers that find it at once waits.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Cancel, Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { isRunning, ownIdentity, processIdentitySchema } from './process-identity.js';
import { makeFile, StateFolderError } from './state-folder.js';

/** A supervisor may start a server before the previous one has ended. */
const WAIT_MS = 5_000;
const POLL_MS = 50;
/** The heartbeat of a holder, for servers that cannot see its process. */
const HEARTBEAT_MS = 1_000;
/** A holder in another place counts as ended after this time without a heartbeat, if watched; else after a minute. */
const SILENT_MS = 4_000;
const LONG_SILENT_MS = 60_000;
const FILE_MODE = 0o600;
/** Errors of a folder that cannot be written to. */
const READ_ONLY: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);

const holderSchema = processIdentitySchema.extend({ nonce: z.string().regex(/^[0-9a-f]{16}$/) });
type Holder = z.output<typeof holderSchema>;

/** The lock file of another server. */
interface FoundLock {
  /** Null where the file is damaged or foreign. */
  readonly holder: Holder | null;
  readonly text: string;
  readonly touchedAtMs: number;
}

/** Options of a `StateLock`. */
export interface StateLockOptions {
  /** The path of the lock file. */
  readonly file: string;
  /** The folder, for messages. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The lock of a folder. */
export class StateLock {
  readonly #options: StateLockOptions;
  /** The file's content while this server holds the lock; else null. */
  #text: string | null = null;
  /** Whether the folder cannot be written to, so that it needs no lock. */
  #isReadOnly = false;
  #cancel: Cancel | null = null;
  /** The lock that was found last, and since when it is unchanged, in monotonic time. */
  #watched: { readonly key: string; readonly since: number } | null = null;

  constructor(options: StateLockOptions) {
    this.#options = options;
  }

  /** Takes the lock; waits up to 5 s for another server. Returns early when cancelled. @throws StateFolderError */
  async take(isCancelled: () => boolean): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + WAIT_MS;
    // Keeps the process alive, which the clock's timers do not.
    const keep = setInterval(() => undefined, WAIT_MS);
    try {
      for (;;) {
        if (isCancelled()) return;
        const other = this.#tryTake();
        if (other === null) return;
        if (clock.monotonic() >= deadline) throw this.#refusal(other);
        await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
      }
    } finally {
      clearInterval(keep);
    }
  }

  /** Takes the lock without waiting. @throws StateFolderError that names the holder */
  takeNow(): void {
    const other = this.#tryTake();
    if (other !== null) throw this.#refusal(other);
  }

  /** Releases the lock. Idempotent. */
  release(): void {
    this.#cancel?.();
    this.#cancel = null;
    const text = this.#text;
    this.#text = null;
    if (text !== null && this.#find()?.text === text) rmSync(this.#options.file, { force: true });
  }

  /** Takes the lock; returns the lock of another server that prevents it, else null. */
  #tryTake(): FoundLock | null {
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
      if (outcome === 'read-only') this.#warnReadOnly();
      else this.#hold(text);
      return null;
    }
  }

  #hold(text: string): void {
    this.#text = text;
    this.#startHeartbeat();
  }

  /** Writes the lock in place of `found`. `lost`: another server was faster. */
  #write(nonce: string, text: string, found: FoundLock | null): 'held' | 'lost' | 'read-only' {
    const own = `${this.#options.file}.${nonce}`;
    try {
      writeFileSync(own, text, { mode: FILE_MODE, flag: 'wx' });
      if (found !== null && !this.#remove(own, text, found)) return 'lost';
      return makeFile(own, this.#options.file, text) ? 'held' : 'lost';
    } catch (error) {
      if (READ_ONLY.has(String((error as NodeJS.ErrnoException).code))) return 'read-only';
      const { folder } = this.#options;
      throw new StateFolderError(`the state folder "${folder}" cannot be locked: ${String(error)}`);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Removes a free lock; returns false when it has changed, or another server is removing it. */
  #remove(own: string, text: string, found: FoundLock): boolean {
    const { file } = this.#options;
    const guard = `${file}.of-${found.holder?.nonce ?? 'nobody'}`;
    if (!makeFile(own, guard, text)) {
      // A guard exists for a moment only: the process that created an old one has crashed.
      const since = touchedAt(guard);
      if (since !== null && this.#options.clock.now() - since > LONG_SILENT_MS)
        rmSync(guard, { force: true });
      return false;
    }
    try {
      // Under the guard no other server removes this lock, so it cannot be replaced between check and removal.
      if (this.#find()?.text !== found.text) return false;
      unlinkSync(file);
      return true;
    } finally {
      rmSync(guard, { force: true });
    }
  }

  #find(): FoundLock | null {
    const { file } = this.#options;
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

  /** Returns whether the holder of a lock has ended. */
  #isFree(found: FoundLock): boolean {
    const running = found.holder === null ? null : isRunning(found.holder);
    if (running !== null) return !running;
    const { clock } = this.#options;
    const now = clock.monotonic();
    const key = `${found.touchedAtMs} ${found.text}`;
    if (this.#watched?.key !== key) this.#watched = { key, since: now };
    return now - this.#watched.since >= SILENT_MS || clock.now() - found.touchedAtMs > LONG_SILENT_MS;
  }

  /** Touches the lock file every second, as long as this server holds the lock. */
  #startHeartbeat(): void {
    const { clock, file, folder, log } = this.#options;
    this.#cancel = clock.after(HEARTBEAT_MS, () => {
      try {
        const found = this.#find();
        if (found !== null && found.text !== this.#text) {
          const { pid, host } = found.holder ?? {};
          log.error({ folder, pid, host }, 'another server has taken the lock of the state folder');
          return;
        }
        if (found !== null) utimesSync(file, clock.now() / 1_000, clock.now() / 1_000);
      } catch (error) {
        log.warn({ folder, reason: String(error) }, 'the lock of the state folder cannot be renewed');
      }
      this.#startHeartbeat();
    });
  }

  #warnReadOnly(): void {
    const { folder, log } = this.#options;
    this.#isReadOnly = true;
    log.warn({ folder }, 'the state folder cannot be written to: no state survives a restart');
  }

  #refusal({ holder }: FoundLock): StateFolderError {
    const { folder, file } = this.#options;
    const advice = 'stop it, or name another folder (--state-dir)';
    if (holder === null) {
      return new StateFolderError(
        `"${file}" locks the state folder "${folder}" and names no process: delete it if no server uses the folder`,
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
