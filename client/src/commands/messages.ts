/**
 * Messages to sessions: updates of the server's own paths, which nobody subscribes to. The core hears those paths as any
 * that was connected unasked, names them with their positions when it opens, and lets them go when the server ends them.
 * Only whom an update is told is decided here.
 */
import type { Json, UpdateFrame } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import { callHandler } from '../delivery.js';
import type { Core } from '../features.js';

/** Where a message came from. */
export interface MessageInfo {
  /** `::inbox/<id>` of what was sent to this session, `::all` of what was sent to everybody. */
  readonly path: string;
  /** Null where the server keeps no log of it. */
  readonly position: Position | null;
}

/** Takes messages. A promise that it returns is not awaited. */
export type MessageListener<Message = Json> = (message: Message, info: MessageInfo) => void;

/** Makes the listeners of one Pomona, which are called in the order in which they were added. */
export function messagesOf(core: Core) {
  const listeners = new Set<MessageListener>();
  return {
    /** Adds a listener (the identical one once); returns the function that removes it. */
    on: (listener: MessageListener): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Takes a message, if it is one and there is a listener; else it goes on as any other update. */
    update: (frame: UpdateFrame, handOn: (frame: UpdateFrame) => void): void => {
      const { path, message, position = null } = frame;
      const track = core.subscriptions.tracks.get(path);
      const isMine = listeners.size > 0 && /^::(all$|inbox\/)/.test(path);
      // The core drops a message that the path does not expect.
      if (!isMine || !track?.expects(position)) return handOn(frame);
      for (const listener of [...listeners])
        if (listeners.has(listener)) callHandler(core.events, listener, message, { path, position });
      if (position !== null) track.position = position;
    },
  };
}
