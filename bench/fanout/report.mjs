/** Prints the table and writes the JSON. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { MAX_P99_MS, NOISY } from './summary.mjs';

const RESULTS = new URL('../results/', import.meta.url);

/** @typedef {import('./summary.mjs').Row} Row */

/** Title and text of each column. @type {[string, (row: Row) => string][]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['publishers', (row) => String(row.publishers)],
  ['updates/s', (row) => short(row.updatesPerSecond)],
  ['deliveries/s', (row) => short(row.deliveriesPerSecond)],
  ['per CPU-s', (row) => short(row.deliveriesPerCpuSecond)],
  ['lowest-highest', (row) => row.range.map(short).join('-')],
  ['dobby ÷ it', (row) => (row.ratio === null ? '' : `${row.ratio.toFixed(2)}${row.counts ? '' : ' *'}`)],
  ['p50 ms', (row) => (row.p50Ms ?? 0).toFixed(1)],
  ['p99 ms', (row) => `${(row.p99Ms ?? 0).toFixed(1)}${(row.p99Ms ?? 0) > MAX_P99_MS ? ' *' : ''}`],
  ['server CPU', (row) => percent(row.serverShare)],
  ['generator CPU', (row) => `${row.generatorCpu.toFixed(2)} s`],
  ['µs/delivery', (row) => row.generatorMicros.toFixed(3)],
  ['others', (row) => `${percent(row.othersShare)}${row.othersShare > NOISY ? ' ~' : ''}`],
  ['reader busy', (row) => `${percent(row.readerBusy)}${row.isGeneratorBound ? ' !' : ''}`],
];

/** @param {number} value */
function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(Math.round(value));
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** @param {Row[]} rows @param {import('./options.mjs').Options} options */
export function printReport(rows, { subscribers, rounds, seconds }) {
  const cells = [COLUMNS.map(([title]) => title), ...rows.map((row) => COLUMNS.map(([, text]) => text(row)))];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const last = widths.length - 1;
  console.log(
    `\n${subscribers} subscribers, 128-byte messages, median of ${rounds} runs of ${seconds} s; every delivery checked\n`,
  );
  for (const line of cells) {
    console.log(
      line
        .map((cell, i) => (i === last ? cell : i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  '),
    );
  }
  console.log('');
  if (rows.some((row) => row.ratio !== null && !row.counts)) {
    console.log(`* this ratio does not count: the p99 of dobby is over ${MAX_P99_MS} ms`);
  }
  if (rows.some((row) => (row.p99Ms ?? 0) > MAX_P99_MS)) console.log(`* p99 over ${MAX_P99_MS} ms`);
  if (rows.some((row) => row.othersShare > NOISY)) {
    console.log(
      '~ other processes took part of the cores in at least one of these runs: run again when it is quiet',
    );
  }
  if (rows.some((row) => row.isGeneratorBound)) {
    console.log(
      "! the load generator was the bottleneck: rates per second and times are its own, not the server's",
    );
  }
}

/** Writes everything that was measured. @param {{options: object, rows: Row[], runs: import('./fanout.mjs').Run[]}} report */
export async function writeReport(report) {
  const at = new Date().toISOString();
  const machine = { node: process.version, cores: availableParallelism() };
  await mkdir(RESULTS, { recursive: true });
  const name = `fanout-${at.replace(/[:.]/g, '-')}.json`;
  await writeFile(new URL(name, RESULTS), JSON.stringify({ bench: 'fanout', at, machine, ...report }));
  console.log(`written: bench/results/${name}`);
}
