/**
 * Benches of measured windows: a fresh server of one system, subscribers on one path, small messages published over HTTP. A delivery of Dobby
 * that is wrong ends the bench; what a peer loses is counted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { compareWindows, quantile, short, summariseWindows } from '../command/report.mjs';
import { Fault } from '../load/fault.mjs';
import { nowMs, Usage } from '../load/usage.mjs';
import { COMPARED, isDobby, PEERS } from '../peers/table.mjs';
import { withCrowd } from './with-crowd.mjs';

const MESSAGE_BYTES = 128;
const PATH = 'bench/measured';
const DRAIN_MS = 30_000;
/** When nothing has come for so long, what a peer has not delivered is lost. */
const LOST_MS = 2_000;
/** After the last delivery: what comes now was doubled. */
const QUIET_MS = 100;
/** Publishers that send by turns where the load is one update every so often. */
const BY_TURNS = 32;

/** How much is published to how many; without `everyMs` each publisher awaits its answers. */
function setting(subscribers, { publishers = BY_TURNS, everyMs = null }) {
  const load = everyMs === null ? `${publishers} publishers` : `one every ${everyMs} ms`;
  return { name: `${subscribers} subscribers, ${load}`, subscribers, publishers, everyMs };
}

function measure({ system, setting: load }, { seconds, warmMs, seed }) {
  const { publishers: count, subscribers, everyMs } = load;
  const order = { seed, messageBytes: MESSAGE_BYTES, paths: Array(count).fill(PATH), clients: subscribers };
  return withCrowd(PEERS[system], order, async ({ running, load: { call }, publishers }) => {
    const settle = async () => {
      await publishers.settled();
      const quietMs = isDobby(system) ? DRAIN_MS : LOST_MS;
      return await call('settle', { ms: DRAIN_MS, quietMs, lastOf: publishers.lastOf });
    };
    await call('open');
    // What is sent by the clock is warmed up by one publisher at full speed.
    await publishers.inTurn(everyMs === null ? count : 1, warmMs);
    await settle();
    await sleep(QUIET_MS);
    await call('begin');
    const before = publishers.accepted;
    const [startMs, usage] = [nowMs(), new Usage(running.server.pids)];
    const isOver = (dueMs) => dueMs >= startMs + seconds * 1000;
    if (everyMs === null) await publishers.inTurn(count, seconds * 1000);
    else await publishers.byTheClock({ everyMs, publisherOf: (i) => i % count, isOver });
    await publishers.settled();
    const publishMs = nowMs() - startMs;
    const settled = await settle();
    const used = usage.end(settled.usage);
    await sleep(QUIET_MS);
    const account = await call('account', { accepted: publishers.accepted });
    check(system, account);
    const deliverMs = settled.lastMs - startMs;
    return { ...used, ...account, publishMs, deliverMs, updates: publishers.accepted - before };
  });
}

/** Throws what no system may do, and what Dobby may not. */
function check(system, { lost, doubled, disordered, altered, closed, firstWrong }) {
  const wrong = { altered, doubled, ...(isDobby(system) ? { lost, disordered, closed } : {}) };
  for (const [kind, count] of Object.entries(wrong))
    if (count !== 0) throw new Fault(kind, `${count} in ${system}. The first: ${firstWrong}`);
}

/** @type {import('../command/course.mjs').Bench} */
export const fanout = {
  name: 'fanout',
  about: 'one path, many subscribers: deliveries per CPU-second beside the peers',
  options: {
    seconds: { full: 5, short: 2 },
    subscribers: { full: [1000], short: [100] },
    publishers: { full: [1, 32] },
    every: { full: [] },
    warmMs: { full: 1500, short: 500 },
  },
  peers: PEERS,
  systems: COMPARED,
  settings({ subscribers, publishers, every }) {
    // With --every alone there are no other loads.
    const isUsual = publishers === fanout.options.publishers.full;
    const inTurn = every.length > 0 && isUsual ? [] : publishers;
    const loads = [
      ...inTurn.map((count) => ({ publishers: count })),
      ...every.map((everyMs) => ({ everyMs })),
    ];
    return subscribers.flatMap((count) => loads.map((load) => setting(count, load)));
  },
  measure,
  line: ({ count, serverCpu }) => `${short(count / serverCpu)} deliveries per CPU-second`,
  title: ({ seconds }) => `128-byte messages, windows of ${seconds} s, medians; every delivery checked`,
  summarise: summariseWindows,
  compare: compareWindows,
  columns: [
    ...['system', 'subscribers', 'load', 'updates', 'deliveries', 'lost', 'disordered'],
    ...['perCpu', 'perCpuRange', 'ratio', 'p50', 'p99', 'serverShare'],
    ...['generatorCpu', 'micros', 'others', 'busy'],
  ],
};

/** @type {import('../command/course.mjs').Bench} */
export const latency = {
  ...fanout,
  name: 'latency',
  about: 'few updates to few: the time from publishing to receiving beside the peers',
  options: {
    seconds: { full: 5, short: 1 },
    subscribers: { full: [1, 10], short: [10] },
    publishers: { full: [] },
    every: { full: [20] },
    warmMs: { full: 2000, short: 200 },
  },
  line: (run) => `p50 ${quantile([run], 0.5).toFixed(2)} ms`,
  title: ({ seconds }) => `From publishing to receiving, every delivery of windows of ${seconds} s`,
  columns: [
    ...['system', 'subscribers', 'load', 'p50', 'p50Range', 'p50Ratio', 'p99', 'p99Ratio'],
    ...['serverShare', 'others'],
  ],
};
