/** Applies the frames of clients, for every transport alike: numbered frames take effect once, in order. */
import { type ErrorBody, errorBody } from '../../../../protocol/codes.js';
import type { SendFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';
import { Frame } from '../wire/frame.js';
import type { Sessions } from './sessions.js';

/** Applies a frame; returns why it had no effect, or null. */
export function applyFrame(sessions: Sessions, session: Session, frame: SendFrame): ErrorBody | null {
  switch (frame.type) {
    case 'pong':
      return null;
    case 'probe':
      session.tell(Frame.of({ type: 'probed', step: frame.step }));
      return null;
    case 'close':
      void sessions.end(session, 'ended');
      return null;
    case 'subscribe':
    case 'unsubscribe':
    case 'command':
    case 'token': {
      const order = session.receive(frame.n);
      if (order === 'repeat') return null;
      if (order === 'jump') return errorBody('bad_sequence');
      if (frame.type === 'subscribe') session.paths.want(frame.paths);
      else if (frame.type === 'unsubscribe') session.paths.unwant(frame.paths);
      else if (frame.type === 'command') sessions.takeCommand(session, frame);
      else sessions.takeToken(session, frame);
      return null;
    }
    default:
      return frame satisfies never;
  }
}
