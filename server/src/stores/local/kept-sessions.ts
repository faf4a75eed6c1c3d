/** Keeps the sessions of a server that stops for the next one. They are taken once: a crash must not bring them back. */
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { RestoreTimes } from '../../core/sessions/restore.js';
import type { Disk, Operation } from './disk.js';
import { deleteSession, putSession, readSession, SESSIONS } from './records.js';

const TIMES_KEY = 'N';
/** Sessions that are written between two looks at the time. */
const STRIDE = 500;

/** Sessions with the times at which their server stopped. */
export interface KeptSessions {
  readonly sessions: readonly SessionSnapshot[];
  readonly times: RestoreTimes;
}

/** Writes sessions while `timeLeftMs`, which only falls, is above 0; returns how many were left out. */
export async function keepSessions(
  disk: Disk,
  { sessions, times }: { readonly sessions: Iterable<SessionSnapshot>; readonly times: RestoreTimes },
  timeLeftMs: () => number,
): Promise<number> {
  const waiting = sessions[Symbol.iterator]();
  let leftOut = 0;
  for (let isOver = false; !isOver; ) {
    const operations: Operation[] = [];
    while (!isOver && operations.length < STRIDE) {
      const next = waiting.next();
      isOver = next.done === true;
      if (next.done === true) break;
      if (timeLeftMs() > 0) operations.push(putSession(next.value));
      else leftOut++;
    }
    if (operations.length > 0) await disk.store(operations);
  }
  await disk.store([{ type: 'put', key: TIMES_KEY, value: JSON.stringify(times) }]);
  return leftOut;
}

/** Takes the sessions that the server before has kept; null when it has kept none, as after a crash. */
export async function takeSessions(disk: Disk): Promise<KeptSessions | null> {
  const times = disk.get(TIMES_KEY);
  // Without the times nothing is restored: what is deleted later may stay until then.
  if (times !== undefined) await disk.store([{ type: 'del', key: TIMES_KEY }]);
  const sessions: SessionSnapshot[] = [];
  for await (const [, value] of disk.entries(SESSIONS)) sessions.push(readSession(value));
  if (sessions.length > 0) await disk.store(sessions.map(deleteSession));
  return times === undefined ? null : { sessions, times: JSON.parse(times) as RestoreTimes };
}
