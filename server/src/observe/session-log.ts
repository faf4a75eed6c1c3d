/** Logs what happens to sessions: kicks and refused paths at `info`, openings and ends at `debug`. */
import type { Session } from '../core/session/session.js';
import type { Feature } from '../core/sessions/features.js';
import type { Log } from './log.js';

/** Paths of one line. */
const MAX_PATHS = 10;

const whoIs = ({ id, user }: Session) => ({ session: id, user });

/** Returns the feature that logs. `sparing` drops repeated lines. */
export function sessionLog(log: Log, sparing: Log): Feature {
  const opened = (session: Session, isResumed: boolean): void => {
    const { transport, address } = session.connection?.carrier ?? {};
    log.debug({ ...whoIs(session), transport, address, isResumed }, 'a session was opened');
  };
  return {
    name: 'log',
    opened: (session) => opened(session, false),
    resumed: (session) => opened(session, true),
    refused(session, paths) {
      const shown = paths.slice(0, MAX_PATHS).map(({ path, code }) => ({ path, code }));
      sparing.info({ ...whoIs(session), count: paths.length, paths: shown }, 'paths were refused');
    },
    ended(session, why) {
      log.debug({ ...whoIs(session), why }, 'a session has ended');
    },
    kicked(target, sessions, mayReturn) {
      log.info({ ...target, sessions, reconnect: mayReturn }, 'the back end kicked');
    },
  };
}
