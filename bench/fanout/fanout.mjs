/**
 * Fan-out: one path, many subscribers, small messages published over HTTP. Systems alternate within one run, each round in a
 * fresh server process; the first delivery that is wrong ends the bench.
 */
import { measureAll } from '../command/measure.mjs';
import { writeResults } from '../command/results.mjs';
import { short } from '../command/table.mjs';
import { selfTest } from '../load/self-test.mjs';
import { readOptions, USAGE } from './options.mjs';
import { printReport } from './report.mjs';
import { summarise } from './summary.mjs';

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function fanout(args) {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  console.log(`Checker: found the damage in all of ${selfTest()} damaged streams.`);
  const runs = await measureAll(
    options,
    (run) => `${short(run.deliveries / run.serverCpu)} deliveries per CPU-second`,
  );
  const rows = summarise(runs, options);
  printReport(rows, options);
  await writeResults('fanout', { options, rows, runs });
  return 0;
}
