/** From runs of the bench of clients that come and go to its table, its bars and its JSON. */

import { milliseconds, printBars } from '../command/bars.mjs';
import {
  FATE_COLUMNS,
  faultRow,
  GENERATOR_COLUMNS,
  promises,
  share,
  warnOfGenerator,
} from '../command/fault-rows.mjs';
import { OTHERS_COLUMN, warnOfOthers } from '../command/noise.mjs';
import { writeResults } from '../command/results.mjs';
import { rowsOf } from '../command/rows.mjs';
import { printTable } from '../command/table.mjs';

/** @typedef {import('../command/fault-rows.mjs').FaultRow<import('./jitter.mjs').Run> & {system: string}} Row */

/** Which deliveries, and what a column of theirs is called. @type {['all' | 'online' | 'caughtUp', string][]} */
const TALLIES = [
  ['all', ''],
  ['online', 'online: '],
  ['caughtUp', 'after return: '],
];

/** @type {import('../command/table.mjs').Column<Row>[]} */
const TIME_COLUMNS = TALLIES.flatMap(([tally, name]) => [
  [`${name}p50 ms`, ({ verdict }) => milliseconds(verdict[tally].quantile(0.5))],
  ['p99 ms', ({ verdict }) => milliseconds(verdict[tally].quantile(0.99))],
  ['max ms', ({ verdict }) => milliseconds(verdict[tally].quantile(1))],
]);

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ...FATE_COLUMNS,
  ['online', ({ verdict }) => share(verdict.online)],
  ...TIME_COLUMNS,
  ...GENERATOR_COLUMNS,
  OTHERS_COLUMN,
];

/**
 * Prints and writes all.
 * @param {import('./jitter.mjs').Run[]} runs
 * @param {import('./options.mjs').JitterOptions} options
 * @returns {Promise<boolean>} whether Dobby kept its promises
 */
export async function report(runs, options) {
  const { clients, rounds, seconds, perSecond, everyMs, offMs, systems } = options;
  const rows = rowsOf(runs, { settings: [null], systems }, { summarise: faultRow, compare: () => ({}) });
  console.log(
    `\n${clients} clients, each gone for ${offMs / 1000} s, every ${everyMs / 1000} s on average; ${perSecond} updates a second; ${rounds} runs of ${seconds} s, all samples merged\n`,
  );
  printTable(COLUMNS, rows);
  const bars = barsOf(rows);
  const isKept = printBars(bars);
  warnOfGenerator(rows);
  warnOfOthers(rows);
  await writeResults('jitter', { options, bars, runs });
  return isKept;
}

/** @param {Row[]} rows @returns {import('../command/bars.mjs').Bar[]} */
function barsOf(rows) {
  const dobby = rows.find((row) => row.system === 'dobby');
  if (dobby === undefined) return [];
  const { all } = dobby.verdict;
  const rival = rows.find((row) => row.system === 'socketio-recovery');
  return [
    { claim: 'all delivered', isMet: all.delivered === all.expected, found: share(all) },
    ...promises(dobby),
    ...(rival === undefined ? [] : quicker(dobby, rival)),
  ];
}

/** The first of these is mostly how long clients are gone, which is the same for all. @returns {import('../command/bars.mjs').Bar[]} */
function quicker(dobby, rival) {
  return [
    ['p99', 'all'],
    ['p99 after return', 'caughtUp'],
  ].map(([what, tally]) => {
    const [own, other] = [dobby, rival].map(({ verdict }) => verdict[tally].quantile(0.99));
    return {
      claim: `${what} below that of ${rival.system}`,
      isMet: own < other,
      found: `${milliseconds(own)} ms, ${milliseconds(other)} ms`,
      isPromise: false,
    };
  });
}
