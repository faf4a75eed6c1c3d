/**
 * An update with its position: its log entry, and the frame that a fan-out carries. The log keeps the message as JSON;
 * frames and their bytes live as long as a fan-out needs them.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import { Frame } from '../wire/frame.js';
import type { IdempotencyKey } from './idempotency.js';

/** An update to be published. */
export interface Draft {
  /** A valid path, or a reserved path of direct messages. */
  readonly path: string;
  /** The key of the path's state whose value it sets, or null. */
  readonly key: string | null;
  /** Only if the entry of the key has this version, the offset of its last update; null: only if there is no entry. */
  readonly version?: number | null;
  readonly message: Json;
  /** The message as JSON. */
  readonly text: string;
  /** The id of the receiver that sends it and does not hear it. Empty for a back end. */
  readonly sender: string;
  /** Sessions that do not hear it. */
  readonly except: ReadonlySet<string> | null;
  /** Lets a repeated update take effect once. */
  readonly idempotency?: IdempotencyKey;
}

/** An update in a log. */
export interface LogEntry {
  readonly offset: number;
  readonly key: string | null;
  /** The message as JSON. */
  readonly text: string;
  readonly sender: string;
  readonly except: ReadonlySet<string> | null;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
  /** Its bytes in the bounds of the log. */
  readonly bytes: number;
  /** The frame of its last replay, while it is awaited: many clients read the same entries at a time. */
  replayed: WeakRef<Frame> | null;
}

/** Bytes of an entry beside its text, and of each excepted session. */
const ENTRY_BYTES = 160;
const EXCEPT_BYTES = 64;

/** Returns the bytes of an entry in the bounds of its log, from the bytes of its text. */
export function entryBytes(textBytes: number, { key, except }: Pick<LogEntry, 'key' | 'except'>): number {
  const keyBytes = key === null ? 0 : Buffer.byteLength(key);
  return textBytes + keyBytes + ENTRY_BYTES + EXCEPT_BYTES * (except?.size ?? 0);
}

/** Returns the log entry of an update that is published at `at`, in milliseconds since 1970. */
export function logEntry({ key, text, sender, except }: Draft, offset: number, at: number): LogEntry {
  const bytes = entryBytes(Buffer.byteLength(text), { key, except });
  return { offset, key, text, sender, except, at, bytes, replayed: null };
}

/** Returns the frame of an entry of `path`, shared by all that read it at the same time. */
export function replayFrame(entry: LogEntry, path: string, epoch: string): Frame {
  const shared = entry.replayed?.deref();
  if (shared !== undefined) return shared;
  const { key, text, offset } = entry;
  const frame = Frame.shared({ type: 'update', path, key, text, position: { epoch, offset } });
  entry.replayed = new WeakRef(frame);
  return frame;
}

/** Returns whether a session must not hear an update: it caused it, or is excepted. */
export function isHiddenFrom(
  update: { readonly sender: string; readonly except: ReadonlySet<string> | null },
  id: string,
): boolean {
  return update.sender === id || update.except?.has(id) === true;
}

/** Position and key of an update. */
export interface UpdateInfo {
  /** Its position in the path's log; null on a path without one. */
  readonly position: Position | null;
  /** The key of the path's state whose value it sets, or null. */
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
  /** Whether every session may hear it. */
  readonly isForAll: boolean;

  constructor(draft: Draft, position: Position | null) {
    const { path, key, text } = draft;
    this.path = path;
    this.key = key;
    this.message = draft.message;
    this.sender = draft.sender;
    this.except = draft.except;
    this.position = position;
    this.isForAll = draft.sender === '' && draft.except === null;
    this.frame = Frame.shared({ type: 'update', path, key, text, position });
  }
}
