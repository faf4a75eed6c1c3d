/** Fan-out: one path, many subscribers, small messages. The first delivery of Dobby that is wrong ends the bench. */
import { COLUMNS, compareWindows, NOTES, short, summariseWindows } from '../command/report.mjs';
import { COMPARED, PEERS } from '../peers/table.mjs';
import { measureWindow, setting } from './window.mjs';

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
  measure: measureWindow,
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
    COLUMNS.ratio,
    COLUMNS.p50,
    COLUMNS.p99,
    COLUMNS.serverCpu,
    COLUMNS.generatorCpu,
    COLUMNS.generatorMicros,
    COLUMNS.others,
    COLUMNS.generatorBusy,
  ],
  notes: NOTES,
};
