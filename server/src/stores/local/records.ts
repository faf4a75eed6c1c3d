/**
 * The keys and values of the store on disk. A key begins with a letter for its kind; paths and keys have no control
 * characters, so that U+0000 ends them. Values are read by the version that has written them, and by later ones.
 */
import type { Position } from '../../../../protocol/positions.js';
import type { IdempotencyRecord } from '../../core/log/idempotency.js';
import type { StateEntry } from '../../core/log/state-snapshot.js';
import { entryBytes, type LogEntry } from '../../core/log/update.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { Operation } from './disk.js';

/** The prefixes of the kinds. */
export const HEADS = 'h';
export const REQUESTS = 'i';
export const SESSIONS = 'n';

const END = '\u0000';
const OFFSET_DIGITS = 11;

/** What is stored of a path beside its entries and its state. */
export interface HeadRecord {
  readonly head: Position;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedAt: number;
  /** The offset before the oldest entry. */
  readonly floor: number;
  /** Bytes of the log and of the state, as they count in the bounds. */
  readonly logBytes: number;
  readonly stateBytes: number;
  readonly isPartial: boolean;
}

const put = (key: string, value: string): Operation => ({ type: 'put', key, value });
const del = (key: string): Operation => ({ type: 'del', key });

const entryKey = (path: string, offset: number): string =>
  `e${path}${END}${offset.toString(36).padStart(OFFSET_DIGITS, '0')}`;

/** Returns the prefix of a path's entries. */
export const entriesOf = (path: string): string => `e${path}${END}`;
/** Returns the prefix of a path's state. */
export const stateOf = (path: string): string => `s${path}${END}`;

/** Stores the head of a path. */
export function putHead(path: string, record: HeadRecord): Operation {
  const { head, usedAt, floor, logBytes, stateBytes, isPartial } = record;
  const value = [head.epoch, head.offset, usedAt, floor, logBytes, stateBytes, isPartial ? 1 : 0];
  return put(HEADS + path, value.join(' '));
}

/** Reads the head of a path. */
export function readHead(key: string, value: string): { path: string; record: HeadRecord } {
  const [epoch = '', offset, usedAt, floor, logBytes, stateBytes, isPartial] = value.split(' ');
  const head = { epoch, offset: Number(offset) };
  const sizes = {
    usedAt: Number(usedAt),
    floor: Number(floor),
    logBytes: Number(logBytes),
    stateBytes: Number(stateBytes),
  };
  return { path: key.slice(HEADS.length), record: { head, ...sizes, isPartial: isPartial === '1' } };
}

/** Deletes the head of a path. */
export const deleteHead = (path: string): Operation => del(HEADS + path);

/** Stores an entry of a log. */
export function putEntry(path: string, { offset, at, key, sender, except, text }: LogEntry): Operation {
  const isPlain = key === null && sender === '' && except === null;
  const about = isPlain
    ? String(at)
    : JSON.stringify([at, key, sender, except === null ? null : [...except]]);
  return put(entryKey(path, offset), `${about}\n${text}`);
}

/** Reads an entry of a log. */
export function readEntry(storedKey: string, value: string): LogEntry {
  const offset = Number.parseInt(storedKey.slice(-OFFSET_DIGITS), 36);
  const end = value.indexOf('\n');
  const about = JSON.parse(value.slice(0, end)) as number | [number, string | null, string, string[] | null];
  const [at, key, sender, excepted] = typeof about === 'number' ? [about, null, '', null] : about;
  const except = excepted === null ? null : new Set(excepted);
  const text = value.slice(end + 1);
  const bytes = entryBytes(Buffer.byteLength(text), { key, except });
  return { offset, at, key, sender, except, text, bytes, replayed: null };
}

/** Deletes the entries after an offset, up to another. */
export function deleteEntries(path: string, after: number, upTo: number): Operation[] {
  return Array.from({ length: upTo - after }, (_, i) => del(entryKey(path, after + 1 + i)));
}

/** Stores the value of a key; the text `null` deletes it. */
export function putStateEntry(path: string, { key, text, offset }: StateEntry): Operation {
  const storedKey = stateOf(path) + key;
  return text === 'null' ? del(storedKey) : put(storedKey, `${offset} ${text}`);
}

/** Reads the value of a key. */
export function readStateEntry(path: string, storedKey: string, value: string): StateEntry {
  const end = value.indexOf(' ');
  return {
    key: storedKey.slice(stateOf(path).length),
    text: value.slice(end + 1),
    offset: Number(value.slice(0, end)),
  };
}

const requestKey = ({ owner, key, path }: Pick<IdempotencyRecord, 'owner' | 'key' | 'path'>): string =>
  `${REQUESTS}${owner}${END}${path}${END}${key}`;

/** Stores what was published with an idempotency key. */
export const putRequest = (record: IdempotencyRecord): Operation =>
  put(requestKey(record), JSON.stringify(record));

/** Deletes what was published with an idempotency key. */
export const deleteRequest = (record: IdempotencyRecord): Operation => del(requestKey(record));

/** Reads what was published with an idempotency key. */
export const readRequest = (value: string): IdempotencyRecord => JSON.parse(value) as IdempotencyRecord;

/** Stores a session. */
export const putSession = (session: SessionSnapshot): Operation =>
  put(SESSIONS + session.id, JSON.stringify(session));

/** Deletes a session. */
export const deleteSession = ({ id }: Pick<SessionSnapshot, 'id'>): Operation => del(SESSIONS + id);

/** Reads a session. */
export const readSession = (value: string): SessionSnapshot => JSON.parse(value) as SessionSnapshot;
