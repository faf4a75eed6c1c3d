/** What was decided about the paths of one frame or one grant, to be told together. */
import type { ErrorBody } from '../../../protocol/codes.js';
import type { Position } from '../../../protocol/positions.js';
import { Frame } from './frame.js';
import type { Session } from './session.js';

/** Decisions, as they are made. */
export class Decisions {
  readonly subscribed: { path: string; position: Position | null }[] = [];
  readonly pending: string[] = [];
  readonly refused: ({ path: string } & ErrorBody)[] = [];
  /** Messages to a session that is another one: nothing comes of them. */
  readonly ended: string[] = [];

  /** Tells the client. */
  tell(session: Session): void {
    const { subscribed, pending, refused, ended } = this;
    if (subscribed.length > 0) session.tell(Frame.of({ type: 'subscribed', paths: subscribed }));
    if (pending.length > 0) session.tell(Frame.of({ type: 'pending', paths: pending }));
    if (refused.length > 0) session.tell(Frame.of({ type: 'refused', paths: refused }));
    if (ended.length > 0) session.tell(Frame.of({ type: 'unsubscribed', paths: ended, by: 'back_end' }));
  }
}
