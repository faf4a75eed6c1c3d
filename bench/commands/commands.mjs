/**
 * Commands: clients that ask, and are answered. How many round trips a CPU-second of the server makes, beside the acknowledgements of a
 * peer; with `--asleep` what commands that take long cost the others. The first answer that is wrong ends the bench.
 */
import { printBars } from '../command/bars.mjs';
import { writeResults } from '../command/results.mjs';
import { short } from '../command/table.mjs';
import { turns, withPeer } from '../command/turns.mjs';
import { drive } from '../load/children.mjs';
import { COMMAND_PEERS } from '../peers/command-table.mjs';
import { asleep } from './asleep.mjs';
import { readOptions, USAGE } from './options.mjs';
import { printReport } from './report.mjs';
import { commandsSelfTest } from './self-test.mjs';
import { barsOf, summarise } from './summary.mjs';

const DRIVER = new URL('./driver.mjs', import.meta.url);
const MESSAGE_BYTES = 64;
/** Beside warm-up and window: connecting, draining. */
const OVERHEAD_MS = 120_000;

/** One measured run. @typedef {import('./driver.mjs').Result & {system: string, setting: number, round: number}} Run */

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function commands(args) {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  console.log(`Checker: found the damage in all of ${commandsSelfTest()} damaged conversations.`);
  if (options.isAsleep) return asleep(options);
  /** @type {Run[]} */
  const runs = [];
  for (const turn of turns(options)) {
    const run = { ...turn, ...(await measure(turn, options)) };
    runs.push(run);
    const rate = short(run.calls / run.serverCpu);
    console.log(
      `round ${turn.round + 1}  ${turn.system}, ${turn.setting} clients: ${rate} round trips per CPU-second`,
    );
  }
  const rows = summarise(runs, options);
  printReport(rows, options);
  printBars(barsOf(rows));
  await writeResults('commands', { options, rows, runs });
  return 0;
}

/** @returns {Promise<import('./driver.mjs').Result>} */
function measure({ system, setting: clients }, { outstanding, warmSeconds, seconds, seed }) {
  return withPeer(COMMAND_PEERS[system], ({ port, pids, backEndPids }, { dialect }) => {
    /** @type {import('./driver.mjs').Order} */
    const order = {
      ...{ port, pids, backEndPids, dialect, clients, outstanding, seed },
      warmMs: warmSeconds * 1000,
      measuredMs: seconds * 1000,
      messageBytes: MESSAGE_BYTES,
    };
    return drive(order, order.warmMs + order.measuredMs + OVERHEAD_MS, DRIVER);
  });
}
