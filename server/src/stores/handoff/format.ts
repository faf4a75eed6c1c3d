/**
 * The handoff as text, of JSON lines: a header with the version of the format, then the records, the most valuable
 * first. So what the writer omits for lack of time costs least. First come the paths with a state, then the heads of
 * the others, updates with idempotency keys, sessions, and logs. The most recently published path is first, and in each
 * log the newest update. A message or update has a line of its own; the line before it describes it. A trailer counts
 * the lines and has their CRC-32 (RFC 1952, 8).
 */
import { z } from 'zod';
import { keyFault, pathFault } from '../../../../protocol/paths.js';
import type { IdempotencyRecord } from '../../core/log/idempotency.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import { isInbox } from '../../core/log/reserved-paths.js';
import type { LogEntry } from '../../core/log/update.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { RestoreTimes } from '../../core/sessions/restore.js';
import { check, identitySchema, source } from '../../schema.js';

/** When a server stopped, and whether it had lost states. */
export interface HandoffTimes extends RestoreTimes {
  /** Whether states were lost: those of paths that are not in the handoff may lack entries. */
  readonly areStatesLost?: boolean;
}

/** The data that a server leaves to the next one. */
export interface Handoff extends HandoffTimes {
  readonly requests: Iterable<IdempotencyRecord>;
  /** The most valuable session first. */
  readonly sessions: Iterable<SessionSnapshot>;
  /** The most recently published path first. Read more than once. */
  readonly paths: Iterable<PathSnapshot>;
  /** Paths that were never published to. */
  readonly unused?: Iterable<PathSnapshot>;
}

/** Thrown for a text that is not a complete handoff of this version; the message says why. */
export class HandoffError extends Error {
  override readonly name = 'HandoffError';
}

/** The version of the format; other versions are not read. */
export const VERSION = 7;
/** Bytes that are written or read at a time, unless a line is longer. */
export const CHUNK_BYTES = 1024 * 1024;
export const NEWLINE = 10;
/** Enclose the message of an update, in a line of its own. */
export const UPDATE_START = '{"update":';
export const UPDATE_END = '}';

const count = z.int().min(0);
const text = z.string();
const path = text.refine((name) => isInbox(name) || pathFault(name) === null);
const key = text.refine((name) => keyFault(name) === null);
const position = z.strictObject({ epoch: text.regex(/^[0-9a-z]{8}$/), offset: count });

/** The first line. */
export const headerSchema = z.strictObject({
  dobby: z.literal('handoff'),
  version: z.literal(VERSION),
  at: count,
  backBy: count,
  areStatesLost: z.literal(true).exactOptional(),
});

/** A request that was answered. */
export const requestSchema = z.strictObject({
  request: z.strictObject({
    ...{ owner: text, key: text, path, digest: text, at: count },
    position: position.nullable(),
  }),
});

/** A session. */
export const sessionSchema = z.strictObject({
  session: z.strictObject({
    id: text.regex(/^[\w-]{1,64}$/),
    user: text.nullable(),
    openedAt: count,
    lastContactAt: count,
    lastCommandAt: count.nullable(),
    ticketAt: count,
    connection: count,
    attempt: count,
    received: count,
    isForgotten: z.boolean(),
    state: z.strictObject({ values: z.record(text, z.json()), version: count }),
    granted: z.array(source),
    denied: z.array(z.strictObject({ path: source, at: count })),
    login: text.nullable(),
    identity: identitySchema.nullable(),
    subscriptions: z.array(
      z.strictObject({
        path,
        start: position.nullable(),
        isUnused: z.boolean(),
        cursor: count,
        followsState: z.boolean(),
      }),
    ),
  }),
});

/** A path; `keys` is the number of keys and messages that follow. */
export const headSchema = z.strictObject({
  head: position,
  path,
  usedAt: count,
  keys: count,
  isPartial: z.literal(true).exactOptional(),
});

/** The line before a message. */
export const keySchema = z.strictObject({ key, offset: count });

/** The line before the updates of a path. */
export const logSchema = z.strictObject({ log: text });

const aboutSchema = z.strictObject({
  at: count,
  key: key.nullable(),
  sender: text,
  except: z.array(text).nullable(),
});

/** The last line. */
export const trailerSchema = z.strictObject({
  lines: count,
  crc32: count,
  /** Whether paths with their states were left out. */
  isCut: z.literal(true).exactOptional(),
});

/** The line before updates; it applies to all up to the next such line. */
export interface About extends Pick<LogEntry, 'at' | 'key' | 'sender' | 'except'> {}

/** There may be a million of these lines; most contain a time and nothing else. */
const PLAIN = /^\{"at":(\d{1,15}),"key":null,"sender":"","except":null\}$/;

/** Returns the line before an update. */
export function aboutLine({ at, key, sender, except }: About): string {
  if (key === null && sender === '' && except === null)
    return `{"at":${at},"key":null,"sender":"","except":null}`;
  return JSON.stringify({ at, key, sender, except: except === null ? null : [...except] });
}

/** Reads the line before an update. @throws HandoffError */
export function readAbout(line: string): About {
  const at = PLAIN.exec(line)?.[1];
  if (at !== undefined) return { at: Number(at), key: null, sender: '', except: null };
  const { except, ...about } = parsed(aboutSchema, line);
  return { ...about, except: except === null ? null : new Set(except) };
}

/** Reads a line by its schema. @throws HandoffError */
export function parsed<T>(schema: z.ZodType<T>, line: string): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new HandoffError('a line is no JSON');
  }
  const checked = check(schema, value);
  if ('error' in checked) throw new HandoffError(checked.error.message);
  return checked.value;
}
