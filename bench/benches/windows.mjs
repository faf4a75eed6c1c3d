/**
 * Benches of measured windows: a fresh server of one system, subscribers on one path, small messages published over HTTP. The first delivery of
 * Dobby that is wrong ends the bench.
 */
import {
  COLUMNS,
  COST_COLUMNS,
  compareWindows,
  NOTES,
  quantile,
  short,
  summariseWindows,
} from '../command/report.mjs';
import { drive } from '../load/remote.mjs';
import { withServer } from '../peers/server.mjs';
import { COMPARED, isDobby, PEERS } from '../peers/table.mjs';

const DRIVER = new URL('../load/window-driver.mjs', import.meta.url);
const MESSAGE_BYTES = 128;
const PATH = 'bench/measured';
/** Beside warm-up and window: connecting, draining, timing the samples. */
const OVERHEAD_MS = 180_000;
/** Publishers that send by turns where the load is one update every so often. */
const BY_TURNS = 32;
/** How much is published to how many. @typedef {{name: string, subscribers: number, publishers: number, everyMs: number | null}} Setting */

/** @param {number} subscribers @param {{publishers?: number, everyMs?: number | null}} load @returns {Setting} */
function setting(subscribers, { publishers = BY_TURNS, everyMs = null }) {
  const load = everyMs === null ? `${publishers} publishers` : `one every ${everyMs} ms`;
  return { name: `${subscribers} subscribers, ${load}`, subscribers, publishers, everyMs };
}

/** Measures. Dobby may lose nothing; what another system loses is counted. */
function measure({ system, setting: load }, { seconds, warmMs, seed }) {
  const { dialect, publish } = PEERS[system];
  const measuredMs = seconds * 1000;
  const window = { ...load, path: PATH, messageBytes: MESSAGE_BYTES, warmMs, measuredMs, seed };
  return withServer(PEERS[system], ({ server: { port, pids } }) =>
    drive(
      DRIVER,
      { ...window, dialect, publish, port, pids, isLenient: !isDobby(system) },
      warmMs + measuredMs + OVERHEAD_MS,
    ),
  );
}

/** @type {import('../command/course.mjs').Bench} */
export const fanout = {
  name: 'fanout',
  about: 'one path, many subscribers: deliveries per CPU-second beside the peers',
  options: {
    seconds: { about: 'length of a measured window', full: 5, short: 2 },
    subscribers: { about: 'WebSocket connections, each number with every load', full: [1000], short: [100] },
    publishers: { about: 'that await each answer, a load each', full: [1, 32] },
    every: { about: 'a load each: one update in so many ms; without --publishers the only loads', full: [] },
    warmMs: { full: 1500, short: 500 },
  },
  peers: PEERS,
  systems: COMPARED,
  settings({ subscribers, publishers, every }) {
    const isDefault = publishers === fanout.options.publishers.full;
    const inTurn = every.length > 0 && isDefault ? [] : publishers;
    const loads = [
      ...inTurn.map((count) => ({ publishers: count })),
      ...every.map((everyMs) => ({ everyMs })),
    ];
    return subscribers.flatMap((count) => loads.map((load) => setting(count, load)));
  },
  measure,
  tell: ({ count, serverCpu }) => `${short(count / serverCpu)} deliveries per CPU-second`,
  title: ({ seconds }) => `128-byte messages, windows of ${seconds} s, medians; every delivery checked`,
  summarise: summariseWindows,
  compare: compareWindows,
  columns: [
    COLUMNS.system,
    ['subscribers', (row) => String(row.setting.subscribers)],
    [
      'publishers',
      ({ setting: { everyMs, publishers } }) => String(everyMs === null ? publishers : `/${everyMs} ms`),
    ],
    ['updates/s', (row) => short(row.updatesPerSecond)],
    ['deliveries/s', (row) => short(row.perSecond)],
    ['lost', ({ lost }) => (lost === 0 ? '0' : `${short(lost)} !`)],
    ['out of order', (row) => short(row.disordered)],
    COLUMNS.perCpu,
    COLUMNS.perCpuRange,
    ...COST_COLUMNS,
  ],
  notes: NOTES,
};

/** @type {import('../command/course.mjs').Bench} */
export const latency = {
  name: 'latency',
  about: 'few updates to few: the time from publishing to receiving beside the peers',
  options: {
    seconds: { about: 'length of a measured window', full: 5, short: 1 },
    subscribers: { about: 'WebSocket connections, a setting each', full: [1, 10], short: [10] },
    every: { about: 'ms between two updates, answers not awaited', full: 20 },
    warmMs: { full: 2000, short: 200 },
  },
  peers: PEERS,
  systems: COMPARED,
  settings: ({ subscribers, every }) => subscribers.map((count) => setting(count, { everyMs: every })),
  measure,
  tell: (run) => `p50 ${quantile([run], 0.5).toFixed(2)} ms`,
  title: ({ seconds }) => `From publishing to receiving, every delivery of windows of ${seconds} s`,
  summarise: summariseWindows,
  compare: compareWindows,
  columns: [
    COLUMNS.system,
    ['subscribers', (row) => String(row.setting.subscribers)],
    COLUMNS.p50,
    ['lowest-highest', (row) => row.p50RangeMs.map((ms) => ms.toFixed(2)).join('-')],
    ['dobby ÷ it', ({ p50Ratio }) => p50Ratio?.toFixed(2) ?? ''],
    COLUMNS.p99,
    ['dobby ÷ it', ({ p99Ratio }) => p99Ratio?.toFixed(2) ?? ''],
    COLUMNS.serverCpu,
    COLUMNS.others,
  ],
  notes: NOTES,
};
