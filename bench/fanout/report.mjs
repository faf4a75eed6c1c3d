/** Prints the table. */
import { loadOf } from '../command/measure.mjs';
import { OTHERS_COLUMN, warnOfOthers } from '../command/noise.mjs';
import { percent, printTable, short } from '../command/table.mjs';
import { MAX_P99_MS } from './summary.mjs';

/** @typedef {import('./summary.mjs').Row} Row */

/** Title and text of each column. @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['subscribers', ({ setting }) => String(setting.subscribers)],
  ['publishers', ({ setting }) => String(setting.everyMs === null ? setting.publishers : loadOf(setting))],
  ['updates/s', (row) => short(row.updatesPerSecond)],
  ['deliveries/s', (row) => short(row.deliveriesPerSecond)],
  ['lost', (row) => (row.lost === 0 ? '0' : `${short(row.lost)} !`)],
  ['per CPU-s', (row) => short(row.deliveriesPerCpuSecond)],
  ['lowest-highest', (row) => row.range.map(short).join('-')],
  ['dobby ÷ it', (row) => (row.ratio === null ? '' : `${row.ratio.toFixed(2)}${row.counts ? '' : ' *'}`)],
  ['p50 ms', (row) => (row.p50Ms ?? 0).toFixed(1)],
  ['p99 ms', (row) => `${(row.p99Ms ?? 0).toFixed(1)}${(row.p99Ms ?? 0) > MAX_P99_MS ? ' *' : ''}`],
  ['server CPU', (row) => percent(row.serverShare)],
  ['generator CPU', (row) => `${row.generatorCpu.toFixed(2)} s`],
  ['µs/delivery', (row) => row.generatorMicros.toFixed(3)],
  OTHERS_COLUMN,
  ['reader busy', (row) => `${percent(row.readerBusy)}${row.isGeneratorBound ? ' !' : ''}`],
];

/** @param {Row[]} rows @param {import('./options.mjs').FanoutOptions} options */
export function printReport(rows, { rounds, seconds }) {
  console.log(`\n128-byte messages, median of ${rounds} runs of ${seconds} s; every delivery checked\n`);
  printTable(COLUMNS, rows);
  if (rows.some((row) => row.ratio !== null && !row.counts)) {
    console.log(`* this ratio does not count: the p99 of dobby is over ${MAX_P99_MS} ms`);
  }
  if (rows.some((row) => (row.p99Ms ?? 0) > MAX_P99_MS)) console.log(`* p99 over ${MAX_P99_MS} ms`);
  warnOfOthers(rows);
  if (rows.some((row) => row.isGeneratorBound)) {
    console.log(
      "! the load generator was the bottleneck: rates per second and times are its own, not the server's",
    );
  }
}
