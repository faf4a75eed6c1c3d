/** Other people's work on the machine: how much of it makes times theirs too. */
import { percent } from './table.mjs';

/** More than this share of a core, and times and rates per second are not the server's alone. */
const NOISY = 0.2;
const WARNING =
  '~ other processes took part of the cores in at least one of these runs: run again when it is quiet';

/** The share of one core that neither server nor generator used, the highest of the runs. @param {import('./measure.mjs').Run[]} runs */
export function othersShareOf(runs) {
  return Math.max(...runs.map((run) => run.othersCpu / (run.deliverMs / 1000)));
}

/** @type {import('./table.mjs').Column<{othersShare: number}>} */
export const OTHERS_COLUMN = [
  'others',
  ({ othersShare }) => `${percent(othersShare)}${othersShare > NOISY ? ' ~' : ''}`,
];

/** @param {{othersShare: number}[]} rows */
export function warnOfOthers(rows) {
  if (rows.some((row) => row.othersShare > NOISY)) console.log(WARNING);
}
