/**
 * The handoff as text, of JSON lines: a header with the version of the format, then what there is in the order of its worth, so that what is
 * left out for want of time costs least. The paths with a state, which is data; the heads of the others; the requests that were
 * answered; the sessions; the logs, the most recently published path first and in each the newest update first. A message or an
 * update stands on a line of its own, as it was; the line before says what else is known of it. A trailer counts the lines
 * and has their CRC-32 (RFC 1952, 8).
 */
import { z } from 'zod';
import { keyFault, pathFault } from '../../../../protocol/paths.js';
import type { AnsweredRequest } from '../../core/log/idempotency.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import { isInbox } from '../../core/log/reserved-paths.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { RestoreTimes } from '../../core/sessions/restore.js';
import { check, identitySchema, source } from '../../schema.js';

/** When a server stopped, and what it knew to be lost. */
export interface HandoffTimes extends RestoreTimes {
  /** Whether states were lost, and those of paths that are not here may lack entries. */
  readonly areStatesLost?: boolean;
}

/** Everything that a server leaves to the next one. */
export interface Handoff extends HandoffTimes {
  readonly requests: Iterable<AnsweredRequest>;
  /** What is worth most comes first. */
  readonly sessions: Iterable<SessionSnapshot>;
  /** The path that was published to last comes first. Read more than once. */
  readonly paths: Iterable<PathSnapshot>;
  /** Those that were never published to. */
  readonly unused?: Iterable<PathSnapshot>;
}

/** A text is no handoff of this version, or not as it was written; the message says what is wrong. */
export class HandoffError extends Error {
  override readonly name = 'HandoffError';
}

/** The version of the format: another one is not read. */
export const VERSION = 5;
/** Bytes that are written or read at a time, unless a line is longer. */
export const CHUNK_BYTES = 1024 * 1024;
export const NEWLINE = 10;

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
  request: z.strictObject({ key: text, digest: text, at: count, answer: z.record(text, z.unknown()) }),
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

/** A path; `keys` says how many keys and messages follow. */
export const headSchema = z.strictObject({
  head: position,
  path,
  usedAt: count,
  keys: count,
  isPartial: z.literal(true).exactOptional(),
});

/** What stands before a message. */
export const keySchema = z.strictObject({ key, offset: count });

/** What stands before the updates of a path. */
export const logSchema = z.strictObject({ log: text });

/** What stands before updates, and holds for all up to the next such line. */
export const aboutSchema = z.strictObject({
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
