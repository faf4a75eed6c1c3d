/** The course of every fault bench: options, the checker's own test, all systems by turns, the report. */

import { faultSelfTest } from '../load/fault-self-test.mjs';
import { turns } from './turns.mjs';

/**
 * @template S
 * @typedef {{round: number, setting: S, system: string}} Turn
 */

/**
 * Runs a fault bench.
 * @template S
 * @template {{rounds: number, systems: string[]}} O
 * @template {object} R
 * @param {O | null} options null when only help was asked for
 * @param {object} bench
 * @param {string} bench.usage
 * @param {(options: O) => S[]} bench.settings
 * @param {(turn: Turn<S>, options: O) => boolean} [bench.isLeftOut] a system that a setting is too much for
 * @param {(turn: Turn<S>, options: O) => Promise<R>} bench.runOne
 * @param {(run: Turn<S> & R) => string} bench.tell what is to be said of a run when it has ended
 * @param {(runs: (Turn<S> & R)[], options: O) => Promise<boolean>} bench.report answers whether Dobby kept its promises
 * @returns {Promise<number>} the exit code
 */
export async function faultBench(
  options,
  { usage, settings, isLeftOut = () => false, runOne, tell, report },
) {
  if (options === null) {
    console.log(usage);
    return 0;
  }
  console.log(`Judge: found the damage in all of ${faultSelfTest()} damaged hearings.`);
  /** @type {(Turn<S> & R)[]} */
  const runs = [];
  for (const turn of turns({ ...options, settings: settings(options) })) {
    if (isLeftOut(turn, options)) continue;
    const run = { ...turn, ...(await runOne(turn, options)) };
    runs.push(run);
    console.log(
      `round ${turn.round + 1}  ${turn.system}${turn.setting === null ? '' : `, ${turn.setting}`}: ${tell(run)}`,
    );
  }
  return (await report(runs, options)) ? 0 : 1;
}
