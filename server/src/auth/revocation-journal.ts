/**
 * The revocations as a file, a JSON object a line. Writes that come while one is under way share the next one; each is
 * on the disk when its promise resolves. After a ticket lifetime the file is put aside in place of the one put
 * aside before, whose tickets have all expired: so the two together never grow without end.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import type { Revocation, RevocationJournal } from '../core/revocations.js';
import { source } from '../schema.js';

const at = z.int();
const isFinal = z.boolean().exactOptional();
const sessionLine = z.strictObject({
  ...{ id: z.string(), at, isFinal },
  path: z.string().exactOptional(),
  isEmpty: z.boolean().exactOptional(),
  user: z.string().nullable().exactOptional(),
});
const userLine = z.strictObject({ ofUser: z.string(), at, isFinal, pattern: source.exactOptional() });
const loginLine = z.strictObject({ ofLogin: z.string(), at, isFinal });
const lineSchema = z.union([sessionLine, userLine, loginLine]);

/** A journal in a file. */
export class FileJournal implements RevocationJournal {
  readonly #file: string;
  readonly #lifetimeMs: number;
  readonly #clock: Clock;
  #startedAt: number;
  #handle: FileHandle | null = null;
  #waiting: string[] = [];
  #writing: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(file: string, options: { lifetimeMs: number; clock: Clock }) {
    this.#file = file;
    this.#lifetimeMs = options.lifetimeMs;
    this.#clock = options.clock;
    this.#startedAt = this.#clock.now();
  }

  /** Reads what a ticket may still be refused for. */
  load(): Revocation[] {
    const since = this.#clock.now() - this.#lifetimeMs;
    return [this.#aside, this.#file]
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
      .map(parseLine)
      .filter((revocation) => revocation !== null)
      .filter(({ at }) => at >= since);
  }

  write(revocation: Revocation): Promise<void> {
    this.#waiting.push(`${JSON.stringify(revocation)}\n`);
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
    const lines = this.#waiting.join('');
    this.#waiting = [];
    this.#writing = this.#next;
    this.#next = null;
    return this.#append(lines);
  }

  get #aside(): string {
    return `${this.#file}.old`;
  }

  async #append(lines: string): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#startedAt > this.#lifetimeMs && existsSync(this.#file)) {
      await this.#handle?.close();
      this.#handle = null;
      await rename(this.#file, this.#aside);
      this.#startedAt = now;
    }
    // A crash may have cut the last line.
    const text = this.#handle === null ? `\n${lines}` : lines;
    this.#handle ??= await open(this.#file, 'a', 0o600);
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

/** One journal for what is of sessions, and one, which reaches back farther, for what is of users and logins. */
export class Journals implements RevocationJournal {
  readonly #ofSessions: FileJournal;
  readonly #ofUsers: FileJournal;

  constructor(ofSessions: FileJournal, ofUsers: FileJournal) {
    this.#ofSessions = ofSessions;
    this.#ofUsers = ofUsers;
  }

  /** Reads what a ticket or a token may still be refused for. */
  load(): Revocation[] {
    return [...this.#ofSessions.load(), ...this.#ofUsers.load()];
  }

  write(revocation: Revocation): Promise<void> {
    return ('id' in revocation ? this.#ofSessions : this.#ofUsers).write(revocation);
  }

  /** Closes the files after the last writes. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#ofSessions.close(), this.#ofUsers.close()]);
  }
}

/** When a write is over, well or not: whoever asked for it was told which. */
async function settled(writing: Promise<void> | null): Promise<void> {
  await Promise.allSettled([writing]);
}

/** A line, or null when it was cut short by a crash: its writer was never told that it is safe. */
function parseLine(line: string): Revocation | null {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
