/**
 * An update once it has its place: what the log keeps of it, and what a fan-out carries. The log keeps
 * text only; encoded bytes live as long as a fan-out needs them.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import { Frame } from '../wire/frame.js';
import type { IdempotencyKey } from './idempotency.js';

/** An update that someone wants to publish. */
export interface Draft {
  /** A valid path that is not reserved. */
  readonly path: string;
  /** Of which entry of the path's state this is the new value; null for none. */
  readonly key: string | null;
  /**
   * Publishes it only if the entry of the key was last changed by the update of this offset; null: only if there is no such entry.
   */
  readonly version?: number | null;
  readonly message: Json;
  /** The message as JSON. */
  readonly text: string;
  /** The id of the receiver it comes from: it is not told of its own update. Empty for a back end. */
  readonly sender: string;
  /** Sessions that are not to hear it. */
  readonly except: ReadonlySet<string> | null;
  /** Publishes it once however often it is repeated. */
  readonly idempotency?: IdempotencyKey;
}

/** What a log keeps of an update. */
export interface LogEntry {
  readonly offset: number;
  readonly key: string | null;
  /** The update frame, as JSON. */
  readonly text: string;
  readonly sender: string;
  readonly except: ReadonlySet<string> | null;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
  /** What it counts against the bounds of its log. */
  readonly bytes: number;
  /** The frame of its last replay, as long as somebody still awaits it: many read the same entries at a time. */
  replayed: WeakRef<Frame> | null;
}

/** What an entry costs beside its text, and what each excepted session costs in it, in bytes. */
const ENTRY_BYTES = 160;
const EXCEPT_BYTES = 64;

/** What an entry counts against the bounds of its log, from the bytes of its text. */
export function entryBytes(textBytes: number, except: ReadonlySet<string> | null): number {
  return textBytes + ENTRY_BYTES + EXCEPT_BYTES * (except?.size ?? 0);
}

/** The entry of an update for its log. */
export function logEntry(
  draft: Draft,
  offset: number,
  more: { readonly text: string; readonly at: number },
): LogEntry {
  const { key, sender, except } = draft;
  const bytes = entryBytes(Buffer.byteLength(more.text), except);
  return { offset, key, sender, except, bytes, replayed: null, ...more };
}

/** The frame of an entry, shared by all that read it at the same time. */
export function replayFrame(entry: LogEntry, epoch: string): Frame {
  const shared = entry.replayed?.deref();
  if (shared !== undefined) return shared;
  const frame = new Frame(entry.text, { epoch, offset: entry.offset });
  entry.replayed = new WeakRef(frame);
  return frame;
}

/** Whether a session must not hear an update: it caused it, or is excepted. */
export function isHiddenFrom(
  update: { readonly sender: string; readonly except: ReadonlySet<string> | null },
  id: string,
): boolean {
  return update.sender === id || update.except?.has(id) === true;
}

/** The text of an update frame. */
export function updateText(
  { path, key, text }: Pick<Draft, 'path' | 'key' | 'text'>,
  position: Position | null,
): string {
  const keyed = key === null ? '' : `"key":${JSON.stringify(key)},`;
  const head = `{"path":${JSON.stringify(path)},${keyed}"message":${text}`;
  return position === null
    ? `${head}}`
    : `${head},"position":{"epoch":"${position.epoch}","offset":${position.offset}}}`;
}

/** What is known of an update beyond its message. */
export interface UpdateInfo {
  /** Where it stands in its path's log; null on a path without one. */
  readonly position: Position | null;
  /** Of which entry of the path's state it is the new value; null for none. */
  readonly key: string | null;
}

/** An update on its way to the receivers. */
export class Update implements UpdateInfo {
  readonly path: string;
  readonly key: string | null;
  readonly message: Json;
  readonly sender: string;
  readonly except: ReadonlySet<string> | null;
  readonly position: Position | null;
  readonly frame: Frame;
  /** Whether it is hidden from nobody. */
  readonly isForAll: boolean;

  constructor(draft: Draft, position: Position | null, text: string) {
    this.path = draft.path;
    this.key = draft.key;
    this.message = draft.message;
    this.sender = draft.sender;
    this.except = draft.except;
    this.position = position;
    this.isForAll = draft.sender === '' && draft.except === null;
    this.frame = new Frame(text, position);
  }
}
