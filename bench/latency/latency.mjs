/** Latency: few subscribers, few updates, a server with nothing else to do. How long is it from publishing to receiving? */
import { measureAll } from '../command/measure.mjs';
import { median } from '../command/median.mjs';
import { OTHERS_COLUMN, othersShareOf, warnOfOthers } from '../command/noise.mjs';
import { writeResults } from '../command/results.mjs';
import { rowsOf } from '../command/rows.mjs';
import { percent, printTable } from '../command/table.mjs';
import { Samples } from '../load/latency.mjs';
import { selfTest } from '../load/self-test.mjs';
import { readOptions, USAGE } from './options.mjs';

/**
 * @typedef {object} Row
 * @property {string} system
 * @property {import('../command/measure.mjs').Setting} setting
 * @property {number} p50Ms of all deliveries of all runs
 * @property {number} p99Ms
 * @property {[number, number]} range lowest and highest p50 of the runs
 * @property {number | null} p50Ratio Dobby's divided by this system's
 * @property {number | null} p99Ratio
 * @property {number} serverShare of one core, median of the runs
 * @property {number} othersShare
 */

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['subscribers', ({ setting }) => String(setting.subscribers)],
  ['p50 ms', (row) => row.p50Ms.toFixed(2)],
  ['lowest-highest', (row) => row.range.map((ms) => ms.toFixed(2)).join('-')],
  ['dobby ÷ it', (row) => row.p50Ratio?.toFixed(2) ?? ''],
  ['p99 ms', (row) => row.p99Ms.toFixed(2)],
  ['dobby ÷ it', (row) => row.p99Ratio?.toFixed(2) ?? ''],
  ['server CPU', (row) => percent(row.serverShare)],
  OTHERS_COLUMN,
];

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function latency(args) {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  console.log(`Checker: found the damage in all of ${selfTest()} damaged streams.`);
  const runs = await measureAll(options, (run) => `p50 ${quantile([run], 0.5).toFixed(2)} ms`);
  const rows = rowsOf(runs, options, { summarise, compare });
  const { rounds, seconds } = options;
  console.log(`\nFrom publishing to receiving, every delivery of ${rounds} runs of ${seconds} s\n`);
  printTable(COLUMNS, rows);
  warnOfOthers(rows);
  await writeResults('latency', { options, rows, runs });
  return 0;
}

/** @param {import('../command/measure.mjs').Run[]} runs */
function summarise(runs) {
  const middles = runs.map((run) => quantile([run], 0.5));
  return {
    p50Ms: quantile(runs, 0.5),
    p99Ms: quantile(runs, 0.99),
    range: /** @type {[number, number]} */ ([Math.min(...middles), Math.max(...middles)]),
    serverShare: median(runs.map((run) => run.serverCpu / (run.deliverMs / 1000))),
    othersShare: othersShareOf(runs),
  };
}

function compare(row, dobby) {
  if (dobby === undefined) return { p50Ratio: null, p99Ratio: null };
  return { p50Ratio: dobby.p50Ms / row.p50Ms, p99Ratio: dobby.p99Ms / row.p99Ms };
}

/** @param {import('../command/measure.mjs').Run[]} runs @param {number} fraction */
function quantile(runs, fraction) {
  return Samples.of(runs).quantile(fraction) ?? 0;
}
