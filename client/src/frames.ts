/**
 * How Pomona tells the frames of the server apart. Beside decode.ts, because features need the words of this file and
 * not the shapes of that one, which would be in each of their files once more.
 */
import type { ControlFrame, UpdateFrame } from '../../protocol/frames.js';

/** Stands for the type of an update, the one frame that has none. */
export const UPDATE = '';

/** The type of a frame. */
export type FrameType = ControlFrame['type'] | typeof UPDATE;

type FrameOf<Type> = Type extends typeof UPDATE ? UpdateFrame : Extract<ControlFrame, { type: Type }>;

type KnownHandlers = {
  readonly [Type in FrameType]?: (frame: FrameOf<Type>, handOn: (frame: FrameOf<Type>) => void) => void;
};

/**
 * Handlers of frames, by type. Of a type that has a handler already the newest comes first, and hands on
 * what is not its own. A frame that the core does not know (`decode.ts`) is checked by its handler.
 */
export interface FrameHandlers extends KnownHandlers {
  readonly [type: string]: ((frame: never, handOn: (frame: unknown) => void) => void) | undefined;
}

/** A frame as it came: an update when it has no type. `decode.ts` has checked it if the core knows its type. */
export type Decoded = ControlFrame | (UpdateFrame & { readonly type?: undefined });
