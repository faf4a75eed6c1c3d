/** Prints the table. */
import { OTHERS_COLUMN, warnOfOthers } from '../command/noise.mjs';
import { percent, printTable, short } from '../command/table.mjs';
import { MAX_P99_MS } from '../fanout/summary.mjs';

/** @typedef {import('./summary.mjs').Row} Row */

/** Title and text of each column. @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['clients', ({ setting }) => String(setting)],
  ['calls/s', (row) => short(row.callsPerSecond)],
  ['per CPU-s', (row) => short(row.callsPerCpuSecond)],
  ['lowest-highest', (row) => row.range.map(short).join('-')],
  ['with back end', (row) => (row.callsPerCpuSecondOfAll === null ? '' : short(row.callsPerCpuSecondOfAll))],
  ['dobby ÷ it', (row) => (row.ratio === null ? '' : `${row.ratio.toFixed(2)}${row.counts ? '' : ' *'}`)],
  ['p50 ms', (row) => row.p50Ms.toFixed(2)],
  ['p99 ms', (row) => row.p99Ms.toFixed(2)],
  ['server CPU', (row) => percent(row.serverShare)],
  ['generator CPU', (row) => `${row.generatorCpu.toFixed(2)} s`],
  ['µs/call', (row) => row.generatorMicros.toFixed(1)],
  OTHERS_COLUMN,
  ['generator busy', (row) => `${percent(row.generatorBusy)}${row.isGeneratorBound ? ' !' : ''}`],
];

/** @param {Row[]} rows @param {import('./options.mjs').CommandsOptions} options */
export function printReport(rows, { rounds, seconds, outstanding }) {
  console.log(
    `\n64 bytes each way, ${outstanding} commands of each client outstanding, median of ${rounds} runs of ${seconds} s; every answer checked\n`,
  );
  printTable(COLUMNS, rows);
  if (rows.some((row) => row.ratio !== null && !row.counts))
    console.log(`* this ratio does not count: the p99 of dobby is over ${MAX_P99_MS} ms`);
  warnOfOthers(rows);
  if (rows.some((row) => row.isGeneratorBound)) {
    console.log("! the load generator was the bottleneck: calls/s and times are its own, not the server's");
  }
}
