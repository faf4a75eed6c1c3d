/** Applies the frames of clients, for every transport alike: numbered frames take effect once, in order. */
import { type ErrorBody, errorBody } from '../../../../protocol/codes.js';
import type { SendFrame } from '../../../../protocol/frames.js';
import type { Session } from '../session/session.js';
import { Frame } from '../wire/frame.js';
import type { FeatureFrame } from './features.js';
import type { Sessions } from './sessions.js';

/** Applies a frame; returns why it had no effect, or null. */
export function applyFrame(
  sessions: Sessions,
  session: Session,
  frame: SendFrame | FeatureFrame,
): ErrorBody | null {
  if ('n' in frame) {
    const order = session.receive(frame.n);
    if (order === 'repeat') return null;
    if (order === 'jump') return errorBody('bad_sequence');
    const feature = sessions.features.frames.get(frame.type);
    if (feature !== undefined) {
      sessions.features.take(feature, session, frame);
      return null;
    }
  }
  const own = frame as SendFrame;
  if (own.type === 'subscribe') session.paths.want(own.paths);
  else if (own.type === 'unsubscribe') session.paths.unwant(own.paths);
  else if (own.type === 'probe') session.tell(Frame.of({ type: 'probed', step: own.step }));
  else if (own.type === 'close') void sessions.end(session, 'ended');
  return null;
}
