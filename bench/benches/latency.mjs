/** Latency: few updates, by the clock, to few subscribers. How soon does an update arrive? */
import { COLUMNS, compareWindows, NOTES, quantile, summariseWindows } from '../command/report.mjs';
import { COMPARED, PEERS } from '../peers/table.mjs';
import { measureWindow, setting } from './window.mjs';

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
  measure: measureWindow,
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
