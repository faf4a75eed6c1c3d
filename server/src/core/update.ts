/**
 * An update once it has its place: what the log keeps of it, and what a fan-out carries. The log keeps
 * text only; encoded bytes live as long as a fan-out needs them.
 */
import type { Json } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import { Frame } from './frame.js';
import type { UpdateInfo } from './receiver.js';

/** An update that someone wants to publish. */
export interface Draft {
  /** A valid path that is not reserved. */
  readonly path: string;
  readonly message: Json;
  /** The id of the receiver it comes from: it is not told of its own update. Empty for a back end. */
  readonly sender: string;
  /** Sessions that are not to hear it. */
  readonly except: ReadonlySet<string> | null;
}

/** What a log keeps of an update. */
export interface LogEntry {
  readonly offset: number;
  /** The update frame, as JSON. */
  readonly text: string;
  readonly sender: string;
  readonly except: ReadonlySet<string> | null;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
}

/** Whether a session must not hear an update: it caused it, or is excepted. */
export function isHiddenFrom(
  update: { readonly sender: string; readonly except: ReadonlySet<string> | null },
  id: string,
): boolean {
  return update.sender === id || update.except?.has(id) === true;
}

/** The text of an update frame. */
export function updateText(path: string, message: Json, position: Position | null): string {
  return position === null
    ? `{"path":${JSON.stringify(path)},"message":${JSON.stringify(message)}}`
    : `{"path":${JSON.stringify(path)},"message":${JSON.stringify(message)},"position":{"epoch":"${position.epoch}","offset":${position.offset}}}`;
}

/** An update on its way to the receivers. */
export class Update implements UpdateInfo {
  readonly path: string;
  readonly message: Json;
  readonly sender: string;
  readonly except: ReadonlySet<string> | null;
  readonly position: Position | null;
  readonly frame: Frame;

  constructor(draft: Draft, position: Position | null, text: string) {
    this.path = draft.path;
    this.message = draft.message;
    this.sender = draft.sender;
    this.except = draft.except;
    this.position = position;
    this.frame = new Frame(text, position);
  }
}
