/**
 * How Pomona tells the frames of the server apart. Beside decode.ts, because later entries need the words of this file and
 * not the shapes of that one, which would be in each of their files once more.
 */
import type {
  ControlFrame,
  ProbedFrame,
  RenewedFrame,
  ReplyFrame,
  StateFrame,
  UpdateFrame,
} from '../../protocol/frames.js';

/** A frame of a type that the core does not know, as it came. */
export interface OtherFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Stands for the type of an update, the one frame that has none. */
export const UPDATE = '';

/** A frame that the core understands. */
export type CoreFrame = Exclude<ControlFrame, StateFrame | ReplyFrame | RenewedFrame | ProbedFrame>;

/** A frame that passed the check: an update when it has no type. */
export type Decoded = CoreFrame | OtherFrame | (UpdateFrame & { readonly type?: undefined });
