/** What the tables and bars of the fault benches have in common: a row is what became of all clients of a system's runs. */

import { Verdict } from '../load/judge.mjs';
import { none } from './bars.mjs';
import { percent } from './table.mjs';

/** A generator process that was this busy may have added delay of its own. */
const BUSY = 0.9;

/**
 * What a run of every fault bench tells.
 * @typedef {import('../load/crowd.mjs').Outcome & {serverCpu: number, othersShare: number}} FaultRun
 */

/** The runs of one system in one setting. @template {FaultRun} [R=FaultRun] @typedef {{runs: R[], verdict: Verdict, othersShare: number}} FaultRow */

/** @template {FaultRun} R @param {R[]} runs at least one @returns {FaultRow<R>} */
export function faultRow(runs) {
  const hollow = runs.findIndex(({ verdict }) => verdict.all.expected === 0);
  if (runs.length === 0 || hollow >= 0) throw new Error(`run ${hollow} of ${runs.length} expected nothing`);
  const verdict = new Verdict();
  for (const run of runs) verdict.merge(run.verdict.toJSON());
  return { runs, verdict, othersShare: Math.max(...runs.map((run) => run.othersShare)) };
}

/** @template {FaultRun} R @param {FaultRow<R>} row @param {(run: R) => number} figure */
export function total({ runs }, figure) {
  return runs.reduce((sum, run) => sum + figure(run), 0);
}

/** Never rounded up to 100 %. @param {{delivered: number, expected: number}} tally */
export function share({ delivered, expected }) {
  if (delivered === expected) return '100 %';
  return `${(Math.floor((delivered / expected) * 100_000) / 1000).toFixed(3)} %`;
}

/** @param {Record<string, number>} counts */
export function sumOf(counts) {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

/** @type {import('./table.mjs').Column<FaultRow>[]} */
export const FATE_COLUMNS = [
  ['delivered', ({ verdict }) => share(verdict.all)],
  ['lost in silence', ({ verdict }) => String(verdict.silent)],
  ['lost and told', ({ verdict }) => String(verdict.told)],
  ['doubled', ({ verdict }) => String(verdict.doubled + verdict.doubledByRetry)],
  ['out of order', ({ verdict }) => String(verdict.disordered)],
  ['altered', ({ verdict }) => String(verdict.altered)],
  ['gaps', ({ verdict }) => String(sumOf(verdict.gaps))],
  ['not back', (row) => String(total(row, (run) => run.lost))],
];

/** @type {import('./table.mjs').Column<FaultRow>[]} */
export const GENERATOR_COLUMNS = [
  ['server CPU', (row) => `${(total(row, (run) => run.serverCpu) / row.runs.length).toFixed(1)} s`],
  ['generator busy', ({ runs }) => busy(Math.max(...runs.map((run) => run.busy)))],
];

function busy(value) {
  return `${percent(value)}${value > BUSY ? ' !' : ''}`;
}

/** @param {FaultRow[]} rows */
export function warnOfGenerator(rows) {
  if (rows.some(({ runs }) => runs.some((run) => run.busy > BUSY)))
    console.log('! a process of the load generator was so busy that times may be its own');
}

/** What Dobby promises whatever happens. @param {FaultRow} row @returns {import('./bars.mjs').Bar[]} */
export function promises(row) {
  const { verdict, runs } = row;
  const oddities = runs.flatMap(({ firstOddities }) => firstOddities).slice(0, 3);
  return [
    none(
      'client that did not come back',
      total(row, (run) => run.lost),
    ),
    none('loss in silence', verdict.silent),
    none('doubled delivery', verdict.doubled),
    none('delivery out of order', verdict.disordered),
    none('altered delivery', verdict.altered),
    { claim: 'nothing odd was said', isMet: oddities.length === 0, found: oddities.join('; ') || 'nothing' },
  ];
}
