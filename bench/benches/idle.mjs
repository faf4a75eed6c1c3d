/** Idle: many sessions with one subscription each, and nothing happens. What memory does one of them cost? */
import { COLUMNS, median } from '../command/report.mjs';
import { drive } from '../load/remote.mjs';
import { withServer } from '../peers/server.mjs';
import { COMPARED, PEERS } from '../peers/table.mjs';

const HOLDER = new URL('../load/idle-holder.mjs', import.meta.url);
/** Beside the wait: warming up, opening, hearing. */
const OVERHEAD_MS = 180_000;
const MB = 1024 * 1024;

const perSession = ({ heldBytes, beforeBytes, setting }) => (heldBytes - beforeBytes) / setting.sessions;
const megabytes = (figure) => (row) => (row[figure] / MB).toFixed(1);
const FIGURES = ['beforeBytes', 'openBytes', 'heldBytes', 'openMs', 'waitCpu'];

/** @type {import('../command/course.mjs').Bench} */
export const idle = {
  name: 'idle',
  about: 'many sessions and nothing to do: memory of each beside the peers',
  options: {
    rounds: { about: 'runs of each system and number', full: 1 },
    sessions: { about: 'numbers of sessions', full: [15_000], short: [200] },
    wait: { about: 'seconds from the last opening to the reading', full: 60, short: 1 },
  },
  peers: PEERS,
  systems: COMPARED,
  settings: ({ sessions }) => sessions.map((count) => ({ name: `${count} sessions`, sessions: count })),
  measure({ system, setting: { sessions } }, { wait, seed }) {
    const { dialect, publish } = PEERS[system];
    const waitMs = wait * 1000;
    return withServer(PEERS[system], ({ server: { port, pids } }) =>
      drive(HOLDER, { port, pids, dialect, publish, sessions, waitMs, seed }, waitMs + OVERHEAD_MS),
    );
  },
  tell: (run) => `${(perSession(run) / 1024).toFixed(2)} KB each`,
  title: ({ wait }) => `Resident memory of all server processes, ${wait} s after the last session was opened`,
  summarise(runs) {
    const medians = FIGURES.map((figure) => [figure, median(runs.map((run) => run[figure]))]);
    return { ...Object.fromEntries(medians), bytesPerSession: median(runs.map(perSession)) };
  },
  compare: (row, dobby) => ({ ratio: row.bytesPerSession / dobby.bytesPerSession }),
  columns: [
    COLUMNS.system,
    ['sessions', (row) => String(row.setting.sessions)],
    ['KB/session', (row) => (row.bytesPerSession / 1024).toFixed(2)],
    ['it ÷ dobby', ({ ratio }) => ratio?.toFixed(2) ?? ''],
    ['MB before', megabytes('beforeBytes')],
    ['MB opened', megabytes('openBytes')],
    ['MB held', megabytes('heldBytes')],
    ['opening s', (row) => (row.openMs / 1000).toFixed(1)],
    ['CPU s held', (row) => row.waitCpu.toFixed(2)],
  ],
};
