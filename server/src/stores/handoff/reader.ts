/**
 * Reads the text of a handoff: all of it, or nothing if it is incomplete, altered or of another version. The text of an
 * update stays in the piece that was read until it is needed: most updates are evicted before.
 */
import { crc32 } from 'node:zlib';
import type { z } from 'zod';
import type { IdempotencyRecord } from '../../core/log/idempotency.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import type { StateEntry } from '../../core/log/state-snapshot.js';
import { entryBytes, type LogEntry } from '../../core/log/update.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import {
  type About,
  CHUNK_BYTES,
  HandoffError,
  type HandoffTimes,
  headerSchema,
  headSchema,
  keySchema,
  logSchema,
  NEWLINE,
  parsed,
  readAbout,
  requestSchema,
  sessionSchema,
  trailerSchema,
  UPDATE_END,
  UPDATE_START,
} from './format.js';

/** A handoff, as it was read. */
export interface ReadHandoff extends HandoffTimes {
  readonly requests: readonly IdempotencyRecord[];
  readonly sessions: readonly SessionSnapshot[];
  /** Paths with a log come last, the most recently published one first among them. */
  readonly paths: readonly PathSnapshot[];
}

/** Fills `into` with the text from `offset` on; returns the number of bytes that it has read. */
type Read = (into: Buffer, offset: number) => number;

const TRAILER_MAX_BYTES = 200;

/** Reads a handoff of `size` bytes, piece by piece. @throws HandoffError when it is not complete. */
export function readHandoff(size: number, read: Read): ReadHandoff {
  const trailer = readTrailer(size, read);
  const reader = new LineReader();
  let rest = Buffer.alloc(0);
  let crc = 0;
  for (let at = 0; at < trailer.at; ) {
    const chunk = Buffer.allocUnsafeSlow(rest.length + Math.min(CHUNK_BYTES, trailer.at - at));
    rest.copy(chunk);
    const fresh = read(chunk.subarray(rest.length), at);
    if (fresh === 0) throw new HandoffError('it is cut short');
    const filled = chunk.subarray(0, rest.length + fresh);
    crc = crc32(filled.subarray(rest.length), crc);
    at += fresh;
    rest = chunk.subarray(reader.take(filled), filled.length);
  }
  if (crc !== trailer.crc32 || reader.lines !== trailer.lines) throw new HandoffError('it was altered');
  const handoff = reader.handoff();
  return trailer.isCut ? { ...handoff, areStatesLost: true } : handoff;
}

/** Returns the last line: only a text with a trailer is complete. */
function readTrailer(size: number, read: Read): z.output<typeof trailerSchema> & { readonly at: number } {
  const end = Buffer.alloc(Math.min(size, TRAILER_MAX_BYTES));
  read(end, size - end.length);
  const start = end.lastIndexOf(NEWLINE, -2) + 1;
  if (end.at(-1) !== NEWLINE || start === 0) throw new HandoffError('it is cut short');
  return { at: size - end.length + start, ...parsed(trailerSchema, end.toString('utf8', start)) };
}

interface Reading extends PathSnapshot {
  readonly state: StateEntry[];
  readonly entries: LogEntry[];
}

/** The place of a text in a piece. */
interface Place {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Builds a handoff from its lines. */
class LineReader {
  lines = 0;
  readonly #requests: IdempotencyRecord[] = [];
  readonly #sessions: SessionSnapshot[] = [];
  readonly #paths = new Map<string, Reading>();
  #times: HandoffTimes | null = null;
  /** The path whose state or log is being read. */
  #path: Reading | null = null;
  #keysLeft = 0;
  #key: z.output<typeof keySchema> | null = null;
  #about: About | null = null;

  /** Takes the complete lines of `bytes`, which it may keep; returns where the last one ends. */
  take(bytes: Buffer): number {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#line(bytes, start, end);
      this.lines++;
      start = end + 1;
    }
    return start;
  }

  /** Returns what was read. @throws HandoffError when something is missing */
  handoff(): ReadHandoff {
    if (this.#times === null || this.#keysLeft > 0) throw new HandoffError('a line is missing');
    const paths = [...this.#paths.values()];
    // The newest entry was written first.
    for (const { entries } of paths) entries.reverse();
    return { ...this.#times, requests: this.#requests, sessions: this.#sessions, paths };
  }

  #line(bytes: Buffer, start: number, end: number): void {
    const line = (): string => bytes.toString('utf8', start, end);
    // The first letter of the first name in a line: of update, at, log, session, request, head.
    const kind = String.fromCharCode(bytes[start + 2] ?? 0);
    if (this.#times === null) this.#times = readTimes(line());
    else if (this.#key !== null) this.#value(this.#key, line());
    else if (this.#keysLeft > 0) this.#key = parsed(keySchema, line());
    else if (kind === 'u') this.#entry(bytes, start, end);
    else if (kind === 'a') this.#about = readAbout(line());
    else if (kind === 'l') this.#log(parsed(logSchema, line()).log);
    else if (kind === 's') this.#sessions.push(parsed(sessionSchema, line()).session);
    else if (kind === 'r') this.#requests.push(parsed(requestSchema, line()).request);
    else this.#head(parsed(headSchema, line()));
  }

  #head({ keys, ...path }: z.output<typeof headSchema>): void {
    this.#path = { ...path, state: [], entries: [] };
    this.#paths.set(path.path, this.#path);
    this.#keysLeft = keys;
  }

  #log(name: string): void {
    const path = this.#paths.get(name);
    if (path === undefined) throw new HandoffError('a log has no head');
    this.#path = path;
    this.#paths.delete(name); // so that it moves to the end
    this.#paths.set(name, path);
  }

  #value(key: z.output<typeof keySchema>, text: string): void {
    if (this.#path === null || key.offset > this.#path.head.offset) throw new HandoffError('a key is ahead');
    this.#path.state.push({ ...key, text });
    this.#key = null;
    this.#keysLeft--;
  }

  #entry(bytes: Buffer, start: number, end: number): void {
    const offset = (this.#path?.head.offset ?? 0) - (this.#path?.entries.length ?? 0);
    if (this.#about === null || offset < 1) throw new HandoffError('an update has no place');
    this.#path?.entries.push(
      new ReadEntry(offset, this.#about, {
        bytes,
        start: start + UPDATE_START.length,
        end: end - UPDATE_END.length,
      }),
    );
  }
}

/** A log entry whose text stays in the piece that was read. */
class ReadEntry implements LogEntry {
  readonly offset: number;
  readonly key: string | null;
  readonly sender: string;
  readonly except: ReadonlySet<string> | null;
  readonly at: number;
  readonly bytes: number;
  replayed: LogEntry['replayed'] = null;
  readonly #place: Place;

  constructor(offset: number, { at, key, sender, except }: About, place: Place) {
    this.offset = offset;
    this.at = at;
    this.key = key;
    this.sender = sender;
    this.except = except;
    this.bytes = entryBytes(place.end - place.start, { key, except });
    this.#place = place;
  }

  get text(): string {
    const { bytes, start, end } = this.#place;
    return bytes.toString('utf8', start, end);
  }
}

function readTimes(line: string): HandoffTimes {
  const { dobby: _dobby, version: _version, ...times } = parsed(headerSchema, line);
  return times;
}
