/** From runs of the bench of restarts to its table, its bars and its JSON. */

import { none, printBars } from '../command/bars.mjs';
import {
  FATE_COLUMNS,
  faultRow,
  GENERATOR_COLUMNS,
  promises,
  sumOf,
  total,
  warnOfGenerator,
} from '../command/fault-rows.mjs';
import { OTHERS_COLUMN, warnOfOthers } from '../command/noise.mjs';
import { writeResults } from '../command/results.mjs';
import { rowsOf } from '../command/rows.mjs';
import { printTable } from '../command/table.mjs';

/** @typedef {import('../command/fault-rows.mjs').FaultRow<import('./restart.mjs').Run> & {system: string, setting: 'term' | 'kill'}} Row */

const MAX_EXIT_MS = 2_000;

/** A time of the runs at their slowest. @param {Row} row @param {(run: import('./restart.mjs').Run) => number | undefined} figure */
function slowest({ runs }, figure) {
  const times = runs.map(figure).filter((ms) => ms !== undefined);
  return times.length === 0 ? '' : `${(Math.max(...times) / 1000).toFixed(2)}`;
}

const middle = (sorted) => sorted[sorted.length >> 1];

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['ended by', (row) => `SIG${row.setting.toUpperCase()}`],
  ...FATE_COLUMNS,
  ['new sessions', (row) => String(total(row, (run) => run.newSessions))],
  ['back end asked', (row) => String(total(row, (run) => run.askedAgain))],
  ['exit s', (row) => slowest(row, (run) => run.exitMs)],
  ['start s', (row) => slowest(row, (run) => run.startMs)],
  ['back: first s', (row) => slowest(row, (run) => run.backAfterMs[0])],
  ['median s', (row) => slowest(row, (run) => middle(run.backAfterMs))],
  ['last s', (row) => slowest(row, (run) => run.backAfterMs.at(-1))],
  ...GENERATOR_COLUMNS,
  OTHERS_COLUMN,
];

/**
 * Prints and writes all.
 * @param {import('./restart.mjs').Run[]} runs
 * @param {import('./options.mjs').RestartOptions} options
 * @returns {Promise<boolean>} whether Dobby kept its promises
 */
export async function report(runs, options) {
  const { clients, rounds, variants, systems } = options;
  const rows = rowsOf(runs, { settings: variants, systems }, { summarise: faultRow, compare: () => ({}) });
  console.log(
    `\n${clients} clients; the server ended and started again under load; ${rounds} runs, counts summed, times of the slowest run\n`,
  );
  printTable(COLUMNS, rows);
  const bars = rows.filter(({ system }) => system === 'dobby').flatMap((row) => barsOf(row, clients));
  const isKept = printBars(bars);
  warnOfGenerator(rows);
  warnOfOthers(rows);
  await writeResults('restart', { options, bars, runs });
  return isKept;
}

/** @param {Row} row @param {number} clients @returns {import('../command/bars.mjs').Bar[]} */
function barsOf(row, clients) {
  const bars = [
    ...promises(row),
    none(
      'new session',
      total(row, (run) => run.newSessions),
    ),
    none(
      'request to the back end after it',
      total(row, (run) => run.askedAgain),
    ),
    {
      claim: 'every client closed and came back',
      isMet: row.runs.every((run) => run.backAfterMs.length === clients),
      found: row.runs.map((run) => run.backAfterMs.length).join(', '),
    },
    ...(row.setting === 'term' ? barsOfTerm(row) : barsOfKill(row)),
  ];
  return bars.map((bar) => ({ ...bar, claim: `SIG${row.setting.toUpperCase()}: ${bar.claim}` }));
}

/** @param {Row} row @returns {import('../command/bars.mjs').Bar[]} */
function barsOfTerm(row) {
  const { verdict, runs } = row;
  return [
    {
      claim: `it ends within ${MAX_EXIT_MS / 1000} s`,
      isMet: runs.every(({ exitMs }) => exitMs <= MAX_EXIT_MS),
      found: `${slowest(row, (run) => run.exitMs)} s`,
      isPromise: false,
    },
    none('gap', sumOf(verdict.gaps)),
    none('accepted update missed', verdict.all.expected - verdict.all.delivered),
    none('delivery doubled because its publisher repeated it', verdict.doubledByRetry),
  ];
}

/** Without a durable broker the log is lost, and every position is told so, once. @param {Row} row */
function barsOfKill({ verdict }) {
  const { gaps, positionsByGaps } = verdict;
  const counts = Object.entries(positionsByGaps).map(([count, positions]) => `${positions} with ${count}`);
  const isOnce = Object.keys(positionsByGaps).every((count) => count === '1');
  return [
    { claim: 'one gap for each position', isMet: isOnce, found: counts.join(', ') },
    none('gap for another reason than the restart', sumOf(gaps) - (gaps.restarted ?? 0)),
  ];
}
