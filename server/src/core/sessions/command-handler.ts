/** Whoever takes the commands of clients: core hands them on and knows nothing of handlers. */
import type { CommandFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';

/** Takes commands. */
export interface CommandHandler {
  /** Takes a command that was numbered and checked; its answer is told to the session when there is one. */
  take(session: Session, frame: CommandFrame): void;
  /** A session has ended: nobody waits for its answers any more. */
  ended(session: Session): void;
}
