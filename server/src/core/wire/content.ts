/** The content of frames. Messages in it stay JSON text: the server does not parse them for clients. */
import type { ControlFrame, ReplyFrame, StateFrame } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';

/** An update of a path. */
export interface UpdateContent {
  readonly type: 'update';
  readonly path: string;
  /** The key of the path's state whose value it sets, or null. */
  readonly key: string | null;
  /** The message as JSON. */
  readonly text: string;
  /** Null on a path without a log, and for messages that were not published. */
  readonly position: Position | null;
}

/** A part of the state of a path. */
export interface StateContent extends Pick<StateFrame, 'type' | 'path' | 'position' | 'first' | 'last'> {
  readonly entries: readonly { readonly key: string; readonly text: string }[];
  readonly isPartial: boolean;
}

/** What a feature sends. Dobby's dialect writes it as JSON; others leave out types that they do not know. */
export interface FeatureContent {
  readonly type: string;
  /** The content as JSON in one line, where it holds JSON text; else `JSON.stringify` writes it. */
  readonly json?: string;
}

/** What frames say. */
export type Content =
  | UpdateContent
  | StateContent
  | { readonly type: 'feature'; readonly content: FeatureContent }
  | Exclude<ControlFrame, StateFrame | ReplyFrame>;
