/** From runs of the bench of clients that stop reading to its table, its bars and its JSON. */

import { milliseconds, printBars } from '../command/bars.mjs';
import {
  FATE_COLUMNS,
  faultRow,
  GENERATOR_COLUMNS,
  promises,
  warnOfGenerator,
} from '../command/fault-rows.mjs';
import { OTHERS_COLUMN, warnOfOthers } from '../command/noise.mjs';
import { writeResults } from '../command/results.mjs';
import { printTable } from '../command/table.mjs';
import { countAll } from '../load/counts.mjs';
import { Samples } from '../load/latency.mjs';

const MB = 1024 * 1024;
/** What a server may hold for a client that does not read (an outbox of Dobby), and beside that for all. */
const OUTBOX_MB = 1;
const BESIDE_MB = 32;
/** What the others may wait at most, as in fan-out. */
const MAX_P99_MS = 50;

/**
 * @typedef {import('../command/fault-rows.mjs').FaultRow<import('./slow.mjs').Run> & {system: string, setting: number, phases: Samples[]}} Row
 */

/** @type {import('../command/table.mjs').Column<Row>[]} */
const PHASE_COLUMNS = ['before', 'during', 'after'].flatMap((name, phase) => [
  [`${name}: p50 ms`, ({ phases }) => milliseconds(phases[phase].quantile(0.5))],
  ['p99 ms', ({ phases }) => milliseconds(phases[phase].quantile(0.99))],
]);

/** @param {Row} row @param {'start' | 'before' | 'most' | 'end'} when */
function megabytes({ runs }, when) {
  return Math.max(...runs.map(({ memory }) => memory[when])) / MB;
}

/** How the server ended connections of the slow ones, and how often. @param {Row} row */
function endings({ runs }) {
  const counts = countAll(runs.map((run) => run.endings));
  return Object.entries(counts)
    .map(([code, count]) => `${code} ×${count}`)
    .join(' ');
}

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['clients', (row) => String(row.setting)],
  ['slow', ({ runs }) => String(runs[0].slow)],
  ...PHASE_COLUMNS,
  ['MB at start', (row) => megabytes(row, 'start').toFixed(0)],
  ['before', (row) => megabytes(row, 'before').toFixed(0)],
  ['most', (row) => megabytes(row, 'most').toFixed(0)],
  ['end', (row) => megabytes(row, 'end').toFixed(0)],
  ...FATE_COLUMNS,
  ['closed with', endings],
  ...GENERATOR_COLUMNS,
  OTHERS_COLUMN,
];

/**
 * Prints and writes all.
 * @param {import('./slow.mjs').Run[]} runs
 * @param {import('./options.mjs').SlowOptions} options
 * @returns {Promise<boolean>} whether Dobby kept its promises
 */
export async function report(runs, options) {
  const rows = options.clients.flatMap((setting) =>
    options.systems.map((system) => rowOf(runs, system, setting)).filter((row) => row !== null),
  );
  const { seconds, perSecond, messageBytes, rounds } = options;
  console.log(
    `\n${perSecond} updates a second of ${messageBytes} bytes; some clients read nothing for ${seconds} s; ${rounds} runs, samples merged, the most memory of any run`,
  );
  console.log('Times are those of the clients that read on; what was delivered, that of the slow ones.\n');
  printTable(COLUMNS, rows);
  const bars = rows.filter(({ system }) => system === 'dobby').flatMap(barsOf);
  const isKept = printBars(bars);
  warnOfGenerator(rows);
  warnOfOthers(rows);
  await writeResults('slow', { options, bars, runs });
  return isKept;
}

/** @returns {Row | null} null when it was not run */
function rowOf(all, system, setting) {
  const runs = all.filter((run) => run.system === system && run.setting === setting);
  if (runs.length === 0) return null;
  const phases = [0, 1, 2].map((phase) => Samples.of(runs.map((run) => ({ samples: run.phases[phase] }))));
  return { system, setting, phases, ...faultRow(runs) };
}

/** @param {Row} row @returns {import('../command/bars.mjs').Bar[]} */
function barsOf(row) {
  const grown = Math.max(...row.runs.map(({ memory }) => memory.most - memory.before)) / MB;
  const allowed = BESIDE_MB + OUTBOX_MB * row.runs[0].slow;
  const during = row.phases[1].quantile(0.99) ?? 0;
  const bars = [
    ...promises(row),
    {
      claim: `memory grows by ${allowed} MB at most`,
      isMet: grown <= allowed,
      found: `${grown.toFixed(1)} MB`,
      isPromise: false,
    },
    {
      claim: `p99 of the others during it ${MAX_P99_MS} ms at most`,
      isMet: during <= MAX_P99_MS,
      found: `${milliseconds(during)} ms`,
      isPromise: false,
    },
  ];
  return bars.map((bar) => ({ ...bar, claim: `${row.setting} clients: ${bar.claim}` }));
}
