/**
 * Commands: clients that ask, and are answered. How many round trips a CPU-second of the server makes, beside the acknowledgements of a peer;
 * and what commands that are asleep cost others. The first answer that is wrong ends the bench.
 */
import {
  COLUMNS,
  COST_COLUMNS,
  compareWindows,
  median,
  NOTES,
  quantile,
  short,
  summariseWindows,
} from '../command/report.mjs';
import { Fault } from '../load/fault.mjs';
import { drive } from '../load/remote.mjs';
import { withServer } from '../peers/server.mjs';
import { ASLEEP_PEERS, COMMAND_PEERS } from '../peers/table.mjs';

const DRIVER = new URL('../load/commands-driver.mjs', import.meta.url);
/** Beside warm-up and window: connecting, draining, until all have woken. */
const OVERHEAD_MS = 120_000;
/** Commands of one session that Dobby takes at a time (docs/protocol.md, `commandsAtATime`). */
const AT_A_TIME = 16;
/** Sleepers must outlast the window, and no command may take longer than 30 s. */
const MAX_ASLEEP_SECONDS = 20;
/** Modules make at least so many times the round trips of Socket.IO. */
const LEAST_RATIO = 1;
/** The p99 with sleepers is at most so many times the one without. */
const MOST_RATIO = 1.2;

const settings = ({ clients }) => clients.map((count) => ({ name: `${count} clients`, clients: count }));
const CLIENTS = ['clients', ({ setting }) => String(setting.clients)];

function measure(peer, { clients }, { seconds, warmMs, seed, ...load }) {
  return withServer(peer, ({ server: { port, pids, backEndPids = [] } }) => {
    const times = { warmMs, measuredMs: seconds * 1000 };
    const order = { port, pids, backEndPids, dialect: peer.dialect, clients, seed, ...times, ...load };
    return drive(DRIVER, order, warmMs + times.measuredMs + OVERHEAD_MS);
  });
}

function check(isSound, why) {
  if (!isSound) throw new Fault('options', why);
}

/** All answers of a run are one set of samples. */
const allOf = (run) => ({ ...run, samples: [...run.own, ...run.samples] });

/** @type {import('../command/course.mjs').Bench} */
export const commands = {
  name: 'commands',
  about: 'commands and their answers: round trips per CPU-second beside the peers',
  options: {
    seconds: { about: 'length of a measured window', full: 5, short: 1 },
    clients: { about: 'numbers of WebSocket clients, a setting each', full: [100], short: [20] },
    outstanding: { about: `commands of each client without an answer, at most ${AT_A_TIME}`, full: 4 },
    warmMs: { full: 3000, short: 300 },
  },
  peers: COMMAND_PEERS,
  systems: ['dobby', 'socketio', 'dobby-webhook'],
  settings,
  measure({ system, setting }, { outstanding, ...window }) {
    check(outstanding <= AT_A_TIME, `--outstanding is at most ${AT_A_TIME}`);
    return measure(COMMAND_PEERS[system], setting, { ...window, outstanding, everyMs: null, sleepers: 0 });
  },
  tell: ({ count, serverCpu }) => `${short(count / serverCpu)} round trips per CPU-second`,
  title: ({ seconds, outstanding }) =>
    `64 bytes each way, ${outstanding} commands of each client outstanding, windows of ${seconds} s, medians; every answer checked`,
  summarise: (runs) => summariseWindows(runs.map(allOf)),
  compare: compareWindows,
  columns: [
    COLUMNS.system,
    CLIENTS,
    ['calls/s', (row) => short(row.perSecond)],
    COLUMNS.perCpu,
    COLUMNS.perCpuRange,
    ['with back end', (row) => (row.hasBackEnd ? short(row.perCpuSecondOfAll) : '')],
    ...COST_COLUMNS,
  ],
  notes: NOTES,
  bars: ({ system, setting, ratio, counts }) =>
    system !== 'socketio' || ratio === undefined
      ? []
      : [
          {
            claim: `modules at least ${LEAST_RATIO} times Socket.IO's acknowledgements per CPU-second, ${setting.name}`,
            isMet: counts && ratio >= LEAST_RATIO,
            found: `${ratio.toFixed(2)}${counts ? '' : ', which does not count'}`,
            isPromise: false,
          },
        ],
};

/** Whose commands: as results name them, and as people do. */
const WHOSE = [
  ['own', 'own'],
  ['samples', "others'"],
];

/** @type {import('../command/course.mjs').Bench} */
export const asleep = {
  name: 'asleep',
  about: 'commands beside some of one session that are asleep: what they cost it and others',
  options: {
    seconds: { about: `length of a measured window, at most ${MAX_ASLEEP_SECONDS}`, full: 10, short: 1 },
    clients: { about: 'numbers of WebSocket clients, from 2, a setting each', full: [20] },
    every: { about: 'ms between two commands of a client', full: 20 },
    sleepers: {
      about: `commands of the first client that are asleep, below ${AT_A_TIME}`,
      full: AT_A_TIME - 1,
    },
    warmMs: { full: 2000, short: 300 },
  },
  peers: ASLEEP_PEERS,
  systems: ['awake', 'asleep'],
  settings,
  measure({ system, setting }, { every, sleepers, ...window }) {
    check(sleepers < AT_A_TIME, `--sleepers is below ${AT_A_TIME}`);
    check(window.seconds <= MAX_ASLEEP_SECONDS, `--seconds is at most ${MAX_ASLEEP_SECONDS}`);
    check(setting.clients > 1, '--clients is at least 2');
    const load = { outstanding: 1, everyMs: every, sleepers: system === 'asleep' ? sleepers : 0 };
    return measure(ASLEEP_PEERS[system], setting, { ...window, ...load });
  },
  tell: (run) =>
    WHOSE.map(([key, name]) => `${name} p99 ${quantile([run], 0.99, key).toFixed(2)} ms`).join(', '),
  title: ({ every, sleepers }) =>
    `One command of each client every ${every} ms, with ${sleepers} commands of one client asleep and without; every answer checked`,
  summarise(runs) {
    const times = WHOSE.map(([key]) => {
      const p99s = runs.map((run) => quantile([run], 0.99, key));
      // The median of the runs' p99s: one run that other work on the machine disturbed does not decide.
      const range = `${Math.min(...p99s).toFixed(2)}-${Math.max(...p99s).toFixed(2)}`;
      return [
        key,
        { p50Ms: quantile(runs, 0.5, key), p99Ms: quantile(runs, 0.99, key), medianMs: median(p99s), range },
      ];
    });
    const latestMs = Math.max(...runs.map((run) => run.latestMs));
    return {
      ...summariseWindows(runs),
      ...Object.fromEntries(times),
      count: runs.reduce((n, run) => n + run.count, 0),
      latestMs,
    };
  },
  compare: (row, awake) => ({ ratios: WHOSE.map(([key]) => row[key].medianMs / awake[key].medianMs) }),
  columns: [
    COLUMNS.system,
    CLIENTS,
    ['commands', (row) => String(row.count)],
    ...WHOSE.flatMap(([key, name], i) => [
      [`${name} p50 ms`, (row) => row[key].p50Ms.toFixed(2)],
      ['p99 ms', (row) => row[key].p99Ms.toFixed(2)],
      ['median of runs', (row) => row[key].medianMs.toFixed(2)],
      ['lowest-highest', (row) => row[key].range],
      ['÷ awake', ({ ratios }) => ratios?.[i].toFixed(2) ?? ''],
    ]),
    COLUMNS.serverCpu,
    ['generator late', (row) => `${row.latestMs.toFixed(1)} ms`],
    COLUMNS.others,
    COLUMNS.generatorBusy,
  ],
  notes: NOTES,
  bars: ({ system, setting, ratios }) =>
    system === 'awake' || ratios === undefined
      ? []
      : WHOSE.map(([, name], i) => ({
          claim: `${name} p99 at most ${MOST_RATIO} times the one without sleepers, ${setting.name}`,
          isMet: ratios[i] <= MOST_RATIO,
          found: ratios[i].toFixed(2),
          isPromise: false,
        })),
};
