/** The port to the commands of clients: core passes them on and knows no handlers. */
import type { CommandFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';

export interface CommandHandler {
  /** Takes a command whose number and fields were checked; sends its reply to the session later. */
  take(session: Session, frame: CommandFrame): void;
  /** Forgets an ended session, which awaits no replies any more. */
  ended(session: Session): void;
}
