/**
 * Stores revocations in a file, a JSON object a line. Writes during a running write share the next one; each is on disk
 * when its promise resolves. After a lifetime, or when full, the file replaces the rotated one. A horizon takes the
 * place of unexpired records that are dropped with it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { patternFault } from '../../../../protocol/patterns.js';
import type { Revocation, RevocationJournal } from '../../core/access/revocation-list.js';
import type { Clock } from '../../core/time/clock.js';

/** Lines of each of the two files of a journal. This bounds what a start has to load. */
export const MAX_JOURNAL_LINES = 125_000;
/** The same, for sessions that ended without grants: any visitor can create these. */
export const MAX_EMPTY_LINES = 50_000;

/** Options of a `FileJournal`. */
export interface FileJournalOptions {
  /** How long a record is needed. */
  readonly lifetimeMs: number;
  readonly clock: Clock;
  /** By default `MAX_JOURNAL_LINES`. */
  readonly maxLines?: number;
  /** What a horizon revokes after unexpired records were dropped; null for nothing. By default `sessions`. */
  readonly horizonOf?: 'sessions' | 'users' | null;
}

/** A journal in two files, the current one and the rotated one. */
export class FileJournal implements Journals {
  readonly #file: string;
  readonly #options: FileJournalOptions;
  /** Times of the oldest and newest record in the file, and of the newest in the rotated one. */
  #startedAt: number;
  #newest = Number.NEGATIVE_INFINITY;
  #rotatedNewest = Number.NEGATIVE_INFINITY;
  #lines = 0;
  /** Versions of the files that were read last. */
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

  /** Returns the unexpired records; empty when the files have not changed since the last call. */
  load(): Revocation[] {
    const versions = [this.#rotated, this.#file].map(versionOf).join();
    if (versions === this.#loaded) return [];
    this.#loaded = versions;
    const since = this.#options.clock.now() - this.#options.lifetimeMs;
    const loaded: Revocation[] = [];
    this.#rotatedNewest = read(this.#rotated, since, loaded).newest;
    const { oldest, newest, lines } = read(this.#file, since, loaded);
    this.#newest = newest;
    this.#lines = lines;
    // Rotation follows the first record, not the start of this process: it may restart before records expire.
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

  get #rotated(): string {
    return `${this.#file}.old`;
  }

  /** Starts a new file; returns a horizon if unexpired records are dropped. */
  async #rotate(now: number): Promise<Revocation[]> {
    const { lifetimeMs, horizonOf = 'sessions' } = this.#options;
    await this.#handle?.close();
    this.#handle = null;
    await rename(this.#file, this.#rotated);
    const horizon = this.#rotatedNewest;
    this.#rotatedNewest = this.#newest;
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
    const more = isDue && existsSync(this.#file) ? await this.#rotate(now) : [];
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
      // The last line may be incomplete: the next write starts a new one.
      await this.#handle.close().catch(() => {
        // The caller gets the first error.
      });
      this.#handle = null;
      throw error;
    }
  }
}

/** The journals of a folder. */
export interface Journals extends RevocationJournal {
  /** Returns the unexpired records of the files that have changed since the last call. */
  load(): Revocation[];
  /** Closes the files after the last writes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the journals of a folder: of sessions, of sessions without grants, and of users and logins, whose records last
 * longest. `file` returns the path of a file name in it.
 */
export function openJournals(
  file: (name: string) => string,
  {
    clock,
    ticketMs,
    longestMs,
  }: { readonly clock: Clock; readonly ticketMs: number; readonly longestMs: number },
): Journals {
  const ofSessions = new FileJournal(file('revocations'), { lifetimeMs: ticketMs, clock });
  const ofVisitors = new FileJournal(file('revocations-of-visitors'), {
    ...{ lifetimeMs: ticketMs, clock, maxLines: MAX_EMPTY_LINES },
    horizonOf: null,
  });
  const ofUsers = new FileJournal(file('revocations-of-users'), {
    ...{ lifetimeMs: longestMs, clock },
    horizonOf: 'users',
  });
  const all = [ofVisitors, ofSessions, ofUsers];
  return {
    load: () => all.flatMap((journal) => journal.load()),
    write(revocation) {
      if (!('id' in revocation)) return ofUsers.write(revocation);
      return (revocation.isEmpty === true ? ofVisitors : ofSessions).write(revocation);
    },
    close: async () => void (await Promise.all(all.map((journal) => journal.close()))),
  };
}

/** Resolves when a write has ended, successful or not; its caller has its result. */
async function settled(writing: Promise<void> | null): Promise<void> {
  await Promise.allSettled([writing]);
}

/** Returns a text that changes with the file. */
function versionOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino}:${stats.size}:${stats.mtimeMs}`;
}

/** Adds the records since `since` to `into`; returns the times of the oldest and newest record, and their number. */
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

// A start may read hundreds of thousands of lines, so their fields are checked by hand.
type Check = (value: unknown) => boolean;
type Fields = ReadonlyMap<string, Check>;

const isText: Check = (value) => typeof value === 'string';
const isTime: Check = (value) => Number.isSafeInteger(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const isUser: Check = (value) => value === null || typeof value === 'string';
const isSource: Check = (value) => typeof value === 'string' && patternFault(value) === null;
const isScope: Check = (value) => value === 'sessions' || value === 'users';

/** The fields of each kind of record, by the field that identifies the kind. */
const KINDS: ReadonlyMap<string, Fields> = new Map(
  Object.entries({
    id: { id: isText, at: isTime, isFinal: isFlag, path: isText, isEmpty: isFlag, user: isUser },
    ofUser: { ofUser: isText, at: isTime, isFinal: isFlag, pattern: isSource },
    ofLogin: { ofLogin: isText, at: isTime, isFinal: isFlag },
    horizon: { horizon: isTime, of: isScope, at: isTime },
  }).map(([name, fields]) => [name, new Map(Object.entries<Check>(fields))]),
);
const NAMES = [...KINDS.keys()];

/** Parses a line; null for an invalid one, such as a crash has cut short: its write was never acknowledged. */
function readLine(line: string): Revocation | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('at' in value)) return null;
  const kind = NAMES.find((name) => Object.hasOwn(value, name));
  const fields = kind === undefined ? undefined : KINDS.get(kind);
  if (fields === undefined) return null;
  for (const name in value) {
    if (fields.get(name)?.((value as Record<string, unknown>)[name]) !== true) return null;
  }
  if (kind === 'horizon' && !('of' in value)) return null;
  return value as Revocation;
}
