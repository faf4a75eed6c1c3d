/**
 * Fan-out: one path, many subscribers, small messages published over HTTP. Systems alternate within one run, each round in a
 * fresh server process; the first delivery that is wrong ends the bench.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { drive } from '../load/children.mjs';
import { Fault } from '../load/fault.mjs';
import { selfTest } from '../load/self-test.mjs';
import { KEY } from '../peers/key.mjs';
import { PEERS } from '../peers/table.mjs';
import { readOptions, USAGE } from './options.mjs';
import { printReport, writeReport } from './report.mjs';
import { summarise } from './summary.mjs';

const MESSAGE_BYTES = 128;
const PATH = 'bench/fanout';
/** Beside warm-up and window: starting, connecting, draining, timing the samples. */
const OVERHEAD_MS = 120_000;

/** One measured run. @typedef {import('../load/driver.mjs').Result & {system: string, publishers: number, round: number}} Run */

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function fanout(args) {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  const unready = options.systems.map((name) => PEERS[name].missing()).filter((missing) => missing !== null);
  if (unready.length > 0) throw new Fault('unready', unready.join('\n'));
  console.log(`Checker: found the damage in all of ${selfTest()} damaged streams.`);
  const runs = await runAll(options);
  const rows = summarise(runs, options);
  printReport(rows, options);
  await writeReport({ options, rows, runs });
  return 0;
}

/** @param {import('./options.mjs').Options} options */
async function runAll(options) {
  /** @type {Run[]} */
  const runs = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const publishers of options.publishers) {
      for (let i = 0; i < options.systems.length; i++) {
        // Each round begins with another system, so that none always runs first or after the same one.
        const system = options.systems[(i + round) % options.systems.length];
        const run = { system, publishers, round, ...(await runOne(system, publishers, options)) };
        runs.push(run);
        const rate = Math.round(run.deliveries / run.serverCpu / 1000);
        console.log(
          `round ${round + 1}  ${system}, ${publishers} publishers: ${rate}k deliveries per CPU-second`,
        );
      }
    }
  }
  return runs;
}

async function runOne(system, publishers, options) {
  const peer = PEERS[system];
  const server = await peer.start();
  try {
    const order = {
      port: server.port,
      pids: server.pids,
      dialect: peer.dialect,
      publish: { url: peer.updateUrl, key: KEY },
      path: PATH,
      subscribers: options.subscribers,
      publishers,
      warmMs: options.warmSeconds * 1000,
      measuredMs: options.seconds * 1000,
      seed: options.seed,
      messageBytes: MESSAGE_BYTES,
    };
    return await drive(order, order.warmMs + order.measuredMs + OVERHEAD_MS);
  } catch (error) {
    const said = server.output();
    if (error instanceof Error)
      error.message += `\n  in ${system} with ${publishers} publishers. The server said:\n${said}`;
    throw error;
  } finally {
    await server.stop();
    await sleep(200);
  }
}
