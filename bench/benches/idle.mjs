/** Idle: many sessions with one subscription each, and nothing happens. What memory does one of them cost? */
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../command/report.mjs';
import { Fault } from '../load/fault.mjs';
import { cpuSeconds, nowMs, residentBytes } from '../load/usage.mjs';
import { COMPARED, PEERS } from '../peers/table.mjs';
import { withCrowd } from './with-crowd.mjs';

const PATH = 'bench/idle';
const MESSAGE_BYTES = 128;
/** Updates that no client hears, so that the server has its code and buffers before the first reading. */
const WARM_UP_UPDATES = 500;
const REST_MS = 1_000;
const HEAR_MS = 20_000;

const perSession = ({ heldBytes, beforeBytes, setting }) => (heldBytes - beforeBytes) / setting.sessions;
const FIGURES = ['beforeBytes', 'openBytes', 'heldBytes', 'openMs', 'waitCpu'];

function measure({ system, setting: { sessions } }, { wait, seed }) {
  const paths = [PATH, 'bench/warm-up'];
  const order = { seed, messageBytes: MESSAGE_BYTES, paths, publishers: [0], clients: sessions };
  return withCrowd(PEERS[system], order, async ({ running, load: { call }, publishers }) => {
    const { pids } = running.server;
    for (let n = 0; n < WARM_UP_UPDATES; n++) await publishers.publish(1);
    await sleep(REST_MS);
    const beforeBytes = residentBytes(pids);
    const startMs = nowMs();
    await call('open');
    const openMs = nowMs() - startMs;
    const openBytes = residentBytes(pids);
    const openCpu = cpuSeconds(pids);
    await sleep(wait * 1000);
    const held = { heldBytes: residentBytes(pids), waitCpu: cpuSeconds(pids) - openCpu };
    // Proves that what was measured are sessions: all are still subscribed.
    await publishers.publish(0);
    await call('settle', { ms: HEAR_MS, lastOf: publishers.lastOf });
    const { lost, closed, firstWrong } = await call('account', { accepted: 1 });
    if (lost !== 0 || closed > 0)
      throw new Fault('missing', `${lost} deliveries, ${closed} sessions: ${firstWrong}`);
    return { beforeBytes, openBytes, openMs, ...held };
  });
}

/** @type {import('../command/course.mjs').Bench} */
export const idle = {
  name: 'idle',
  about: 'many sessions and nothing to do: memory of each beside the peers',
  options: {
    rounds: { full: 1 },
    sessions: { full: [15_000], short: [200] },
    wait: { full: 60, short: 1 },
  },
  peers: PEERS,
  systems: COMPARED,
  settings: ({ sessions }) => sessions.map((count) => ({ name: `${count} sessions`, sessions: count })),
  measure,
  line: (run) => `${(perSession(run) / 1024).toFixed(2)} KB each`,
  title: ({ wait }) => `Resident memory of all server processes, ${wait} s after the last session was opened`,
  summarise(runs) {
    const medians = FIGURES.map((figure) => [figure, median(runs.map((run) => run[figure]))]);
    return { ...Object.fromEntries(medians), bytesPerSession: median(runs.map(perSession)) };
  },
  compare: (row, dobby) => ({ ratio: row.bytesPerSession / dobby.bytesPerSession }),
  columns: [
    ...['system', 'sessions', 'perSession', 'perSessionRatio', 'megabytesBefore', 'megabytesOpened'],
    ...['megabytesHeld', 'opening', 'waiting'],
  ],
};
