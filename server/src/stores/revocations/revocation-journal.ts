/**
 * The revocations as a file, a JSON object a line. Writes that come while one is under way share the next one; each is
 * on the disk when its promise resolves. After a ticket lifetime, or when the file is full, it is put aside in place of the one put
 * aside before. Where records that are still of use go with that one, a horizon takes their place.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import type { Revocation, RevocationJournal } from '../../core/access/revocation-list.js';
import type { Clock } from '../../core/time/clock.js';
import { readLine } from './revocation-line.js';

/** Lines of one file of a journal; there are two files. What is loaded at a start is bounded by this. */
export const MAX_JOURNAL_LINES = 125_000;
/** The same, of sessions that ended with nothing to their name: any visitor makes these. */
export const MAX_EMPTY_LINES = 50_000;

/** How a journal is kept. */
export interface FileJournalOptions {
  /** How long a record is of use. */
  readonly lifetimeMs: number;
  readonly clock: Clock;
  /** By default `MAX_JOURNAL_LINES`. */
  readonly maxLines?: number;
  /** What a horizon holds for when records that are of use are dropped; null: they may be forgotten. By default `sessions`. */
  readonly horizonOf?: 'sessions' | 'users' | null;
}

/** A journal in a file. */
export class FileJournal implements RevocationJournal {
  readonly #file: string;
  readonly #options: FileJournalOptions;
  /** When the oldest record of the file was made, and the newest of it and of the one put aside. */
  #startedAt: number;
  #newest = Number.NEGATIVE_INFINITY;
  #asideNewest = Number.NEGATIVE_INFINITY;
  #lines = 0;
  /** The files as they were when they were read last. */
  #loaded = '';
  #handle: FileHandle | null = null;
  #waiting: Revocation[] = [];
  #writing: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(file: string, options: FileJournalOptions) {
    this.#file = file;
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** Reads what a ticket may still be refused for; nothing when the files are as they were when they were read last. */
  load(): Revocation[] {
    const versions = [this.#aside, this.#file].map(versionOf).join();
    if (versions === this.#loaded) return [];
    this.#loaded = versions;
    const since = this.#options.clock.now() - this.#options.lifetimeMs;
    const loaded: Revocation[] = [];
    this.#asideNewest = read(this.#aside, since, loaded).newest;
    const { oldest, newest, lines } = read(this.#file, since, loaded);
    this.#newest = newest;
    this.#lines = lines;
    // By its first record, and not by the start of this process: a server may be restarted more often than records expire.
    this.#startedAt = Math.min(this.#startedAt, oldest);
    return loaded;
  }

  write(revocation: Revocation): Promise<void> {
    this.#waiting.push(revocation);
    this.#next ??= settled(this.#writing).then(() => this.#flush());
    return this.#next;
  }

  /** Closes the file after the last write. Idempotent. */
  async close(): Promise<void> {
    await settled(this.#next ?? this.#writing);
    await this.#handle?.close();
    this.#handle = null;
  }

  #flush(): Promise<void> {
    const revocations = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#next;
    this.#next = null;
    return this.#append(revocations);
  }

  get #aside(): string {
    return `${this.#file}.old`;
  }

  /** Begins another file; returns the horizon that takes the place of what goes. */
  async #putAside(now: number): Promise<Revocation[]> {
    const { lifetimeMs, horizonOf = 'sessions' } = this.#options;
    await this.#handle?.close();
    this.#handle = null;
    await rename(this.#file, this.#aside);
    const horizon = this.#asideNewest;
    this.#asideNewest = this.#newest;
    this.#newest = Number.NEGATIVE_INFINITY;
    this.#startedAt = now;
    this.#lines = 0;
    if (horizonOf === null || horizon < now - lifetimeMs) return [];
    return [{ horizon, of: horizonOf, at: now }];
  }

  async #append(revocations: readonly Revocation[]): Promise<void> {
    const { clock, lifetimeMs, maxLines = MAX_JOURNAL_LINES } = this.#options;
    const now = clock.now();
    const isDue = now - this.#startedAt > lifetimeMs || this.#lines >= maxLines;
    const more = isDue && existsSync(this.#file) ? await this.#putAside(now) : [];
    const lines = [...more, ...revocations].map((revocation) => `${JSON.stringify(revocation)}\n`).join('');
    // A crash may have cut the last line.
    const text = this.#handle === null ? `\n${lines}` : lines;
    this.#handle ??= await open(this.#file, 'a', 0o600);
    for (const { at } of revocations) this.#newest = Math.max(this.#newest, at);
    this.#lines += revocations.length;
    try {
      await this.#handle.appendFile(text);
      await this.#handle.datasync();
    } catch (error) {
      // The line may stand there half: the next write begins another.
      await this.#handle.close().catch(() => {
        // the disk is the fault that is told
      });
      this.#handle = null;
      throw error;
    }
  }
}

/** One journal for what is of sessions, one for those that had nothing, and one, which reaches back farther, for users and logins. */
export class Journals implements RevocationJournal {
  readonly #ofSessions: FileJournal;
  readonly #ofVisitors: FileJournal;
  readonly #ofUsers: FileJournal;

  constructor(parts: { ofSessions: FileJournal; ofVisitors: FileJournal; ofUsers: FileJournal }) {
    this.#ofSessions = parts.ofSessions;
    this.#ofVisitors = parts.ofVisitors;
    this.#ofUsers = parts.ofUsers;
  }

  /** Reads what a ticket or a token may still be refused for, as far as it was not read before. */
  load(): Revocation[] {
    return [this.#ofVisitors, this.#ofSessions, this.#ofUsers].flatMap((journal) => journal.load());
  }

  write(revocation: Revocation): Promise<void> {
    if (!('id' in revocation)) return this.#ofUsers.write(revocation);
    return (revocation.isEmpty === true ? this.#ofVisitors : this.#ofSessions).write(revocation);
  }

  /** Closes the files after the last writes. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#ofSessions.close(), this.#ofVisitors.close(), this.#ofUsers.close()]);
  }
}

/** Opens the journals of a folder; `file` gives the place of a name in it. */
export function openJournals(
  file: (name: string) => string,
  {
    clock,
    ticketMs,
    longestMs,
  }: { readonly clock: Clock; readonly ticketMs: number; readonly longestMs: number },
): Journals {
  const ofVisitors = { lifetimeMs: ticketMs, clock, maxLines: MAX_EMPTY_LINES, horizonOf: null };
  return new Journals({
    ofSessions: new FileJournal(file('revocations'), { lifetimeMs: ticketMs, clock }),
    ofVisitors: new FileJournal(file('revocations-of-visitors'), ofVisitors),
    ofUsers: new FileJournal(file('revocations-of-users'), {
      lifetimeMs: longestMs,
      clock,
      horizonOf: 'users',
    }),
  });
}

/** When a write is over, well or not: whoever asked for it was told which. */
async function settled(writing: Promise<void> | null): Promise<void> {
  await Promise.allSettled([writing]);
}

/** Changes whenever a file does. */
function versionOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino}:${stats.size}:${stats.mtimeMs}`;
}

/** Adds the records of a file that are not older than `since`; returns the times of its oldest and newest, and how many there are. */
function read(
  file: string,
  since: number,
  into: Revocation[],
): { oldest: number; newest: number; lines: number } {
  let oldest = Number.POSITIVE_INFINITY;
  let newest = Number.NEGATIVE_INFINITY;
  let lines = 0;
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    const revocation = line === '' ? null : readLine(line);
    if (revocation === null) continue;
    const { at } = revocation;
    lines++;
    oldest = Math.min(oldest, at);
    newest = Math.max(newest, at);
    if (at >= since) into.push(revocation);
  }
  return { oldest, newest, lines };
}
