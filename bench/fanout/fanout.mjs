/**
 * Fan-out: one path, many subscribers, small messages published over HTTP. Systems alternate within one run, each round in a
 * fresh server process; the first delivery that is wrong ends the bench.
 */
import { measure } from '../command/measure.mjs';
import { writeResults } from '../command/results.mjs';
import { turns } from '../command/turns.mjs';
import { selfTest } from '../load/self-test.mjs';
import { readOptions, USAGE } from './options.mjs';
import { loadOf, printReport } from './report.mjs';
import { summarise } from './summary.mjs';

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function fanout(args) {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  console.log(`Checker: found the damage in all of ${selfTest()} damaged streams.`);
  const runs = await runAll(options);
  const rows = summarise(runs, options);
  printReport(rows, options);
  await writeResults('fanout', { options, rows, runs });
  return 0;
}

/** @param {import('./options.mjs').FanoutOptions} options */
async function runAll(options) {
  const window = {
    warmMs: options.warmSeconds * 1000,
    measuredMs: options.seconds * 1000,
    seed: options.seed,
  };
  /** @type {import('../command/measure.mjs').Run[]} */
  const runs = [];
  for (const turn of turns(options)) {
    const { system, setting, round } = turn;
    const run = { ...turn, ...(await measure(system, setting, window)) };
    runs.push(run);
    const rate = Math.round(run.deliveries / run.serverCpu / 1000);
    console.log(
      `round ${round + 1}  ${system}, ${setting.subscribers} subscribers, ${loadOf(setting)}: ${rate}k deliveries per CPU-second`,
    );
  }
  return runs;
}
