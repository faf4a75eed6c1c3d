/** Logs what happens to sessions: kicks and refused paths at `info`, openings and ends at `debug`. */
import type { ObservedSession, SessionObserver } from '../core/session/session-observer.js';
import type { Log } from './log.js';

/** Paths of one line. */
const MAX_PATHS = 10;

const whoIs = ({ id, user }: ObservedSession) => ({ session: id, user });

/** Makes the observer. `sparing` takes what clients cause by the thousand. */
export function sessionLog(log: Log, sparing: Log): SessionObserver {
  return {
    opened(session, isResumed) {
      const { transport, address } = session.connection?.carrier ?? {};
      log.debug({ ...whoIs(session), transport, address, isResumed }, 'a session was opened');
    },
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
