/**
 * The handoff as text, of JSON lines. A header with the version of the format; the requests that were answered; the sessions; the
 * paths with their heads, each followed by its state; the logs, the most recently published path first and in each the newest update
 * first, so that whatever is left out for want of time is the oldest. An update or a message stands on a line of its own, as it
 * was; the line before says what else is known of it. A trailer counts the lines and has their CRC-32 (RFC 1952, 8).
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { AnsweredRequest } from '../api/idempotency.js';
import type { HandoffTimes, PathHandoff, SessionHandoff } from '../core/handoff.js';
import type { LogEntry } from '../core/update.js';

/** Everything that one server hands to the next. */
export interface Handoff extends HandoffTimes {
  readonly requests: readonly AnsweredRequest[];
  readonly sessions: readonly SessionHandoff[];
  /** The path that was published to last comes first. */
  readonly paths: readonly PathHandoff[];
}

/** The version of the format: another one is not read. */
export const VERSION = 1;

const count = z.int().min(0);
const text = z.string();
const position = z.strictObject({ epoch: z.string().length(8), offset: count });

/** The first line. */
export const headerSchema = z.strictObject({
  dobby: z.literal('handoff'),
  version: z.literal(VERSION),
  at: count,
  backBy: count,
});

const requestSchema = z.strictObject({
  key: text,
  digest: text,
  at: count,
  answer: z.record(text, z.unknown()),
});
const sessionSchema = z.strictObject({
  id: text,
  user: text.nullable(),
  openedAt: count,
  lastContactAt: count,
  ticketAt: count,
  connection: count,
  received: count,
  granted: z.array(text),
  denied: z.array(text),
  subscriptions: z.array(
    z.strictObject({ path: text, start: position.nullable(), cursor: count, followsState: z.boolean() }),
  ),
});

/** What stands between header and logs, but for messages; `keys` says how many keys and messages follow. */
export const lineSchema = z.union([
  z.strictObject({ session: sessionSchema }),
  z.strictObject({ head: position, path: text, usedAt: count, keys: count }),
  z.strictObject({ log: text }),
  z.strictObject({ request: requestSchema }),
]);

/** What stands before a message. */
export const keySchema = z.strictObject({ key: text, offset: count });

/** What stands before updates, and holds for all up to the next such line. */
export const aboutSchema = z.strictObject({
  at: count,
  key: text.nullable(),
  sender: text,
  except: z.array(text).nullable(),
});

/** The last line. */
export const trailerSchema = z.strictObject({ lines: count, crc32: count });

/** Bytes that are written or read at a time, unless a line is longer. */
export const CHUNK_BYTES = 1024 * 1024;
export const NEWLINE = 10;
/** Of UTF-8, for one unit of UTF-16. */
const MOST_BYTES_A_UNIT = 3;
/** Updates written between two looks at the clock. */
const STRIDE = 256;

/** Writes a handoff. */
export class HandoffWriter {
  /** What was left out for want of time: updates of logs, and whole paths that have a state. */
  readonly leftOut = { updates: 0, paths: 0 };
  readonly #handoff: Handoff;
  readonly #isOverdue: () => boolean;
  /** The same memory for every piece: to touch a quarter of a gigabyte anew takes longer than to fill it. */
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #lines = 0;
  #crc = 0;
  #about = '';

  /** `isOverdue` is asked time and again; once it says so, what can be left out is. */
  constructor(handoff: Handoff, isOverdue: () => boolean) {
    this.#handoff = handoff;
    this.#isOverdue = isOverdue;
  }

  /** The text in pieces, to be written one after the other; a piece is good until the next one is asked for. */
  *chunks(): Generator<Buffer> {
    const written: PathHandoff[] = [];
    for (const line of this.#head(written)) yield* this.#put(line);
    for (const path of written) if (path.entries.length > 0) yield* this.#log(path);
    yield this.#flush();
    yield Buffer.from(`${JSON.stringify({ lines: this.#lines, crc32: this.#crc })}\n`);
  }

  *#head(written: PathHandoff[]): Generator<string> {
    const { at, backBy, requests, sessions, paths } = this.#handoff;
    yield JSON.stringify({ dobby: 'handoff', version: VERSION, at, backBy });
    for (const request of requests) yield JSON.stringify({ request });
    for (const session of sessions) yield JSON.stringify({ session });
    for (const path of paths) {
      // A head without its state would hide that the state is lost.
      if (path.state.length > 0 && this.#isOverdue()) {
        this.leftOut.paths++;
        continue;
      }
      written.push(path);
      const { head, usedAt, state } = path;
      yield JSON.stringify({ head, path: path.path, usedAt, keys: state.length });
      for (const { key, offset, text: message } of state) {
        yield JSON.stringify({ key, offset });
        yield message;
      }
    }
  }

  *#log({ path, entries }: PathHandoff): Generator<Buffer> {
    yield* this.#put(JSON.stringify({ log: path }));
    for (let left = entries.length; left > 0; left--) {
      // Looked at for the first entry of each path too: there may be very many paths.
      if ((entries.length - left) % STRIDE === 0 && this.#isOverdue()) {
        this.leftOut.updates += left;
        return;
      }
      const entry = entries[left - 1] as LogEntry;
      const about = aboutOf(entry);
      if (about !== this.#about) yield* this.#put(about);
      this.#about = about;
      if (!this.#fits(entry.text)) yield* this.#makeRoom(entry.text);
      this.#add(entry.text);
    }
  }

  *#put(line: string): Generator<Buffer> {
    if (!this.#fits(line)) yield* this.#makeRoom(line);
    this.#add(line);
  }

  #fits(line: string): boolean {
    return line.length * MOST_BYTES_A_UNIT < this.#chunk.length - this.#used;
  }

  *#makeRoom(line: string): Generator<Buffer> {
    yield this.#flush();
    if (!this.#fits(line)) this.#chunk = Buffer.allocUnsafe(line.length * MOST_BYTES_A_UNIT + 1);
  }

  #add(line: string): void {
    this.#used += this.#chunk.write(line, this.#used);
    this.#chunk[this.#used++] = NEWLINE;
    this.#lines++;
  }

  #flush(): Buffer {
    const bytes = this.#chunk.subarray(0, this.#used);
    this.#crc = crc32(bytes, this.#crc);
    this.#used = 0;
    return bytes;
  }
}

function aboutOf({ at, key, sender, except }: LogEntry): string {
  if (key === null && sender === '' && except === null)
    return `{"at":${at},"key":null,"sender":"","except":null}`;
  return JSON.stringify({ at, key, sender, except: except === null ? null : [...except] });
}
