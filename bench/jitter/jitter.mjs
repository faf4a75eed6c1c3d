/**
 * Clients that come and go: each is gone for a while at times of its own, the same for every system, without a word to the server. Counted is what
 * reached them in the end, and when.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { faultBench } from '../command/fault-bench.mjs';
import { withServer } from '../command/turns.mjs';
import { nowMs } from '../load/clock.mjs';
import { CpuWindow } from '../load/cpu-window.mjs';
import { Crowd } from '../load/crowd.mjs';
import { Messages } from '../load/message.mjs';
import { OpenLoop } from '../load/open-loop.mjs';
import { KEY } from '../peers/key.mjs';
import { readOptions, USAGE } from './options.mjs';
import { report } from './report.mjs';

const MESSAGE_BYTES = 128;
const PATH = 'bench/jitter';
const PER_PROCESS = 500;
/** Publishing begins so long before the first client goes. */
const LEAD_MS = 500;
/** Until all clients are back after the last has gone; a client that cannot connect waits up to 20 s. */
const BACK_MS = 60_000;
/** Publishing goes on for so long when all are back: who lost something hears that it is behind. */
const TAIL_MS = 1_500;
const CATCH_UP_MS = 20_000;
/** After that: what comes now was doubled. */
const QUIET_MS = 200;

/**
 * One run of one system.
 * @typedef {import('../command/fault-rows.mjs').FaultRun & {system: string, setting: null, round: number, updates: number, latestMs: number}} Run
 */

/** @param {string[]} args @returns {Promise<number>} the exit code */
export function jitter(args) {
  return faultBench(readOptions(args), {
    usage: USAGE,
    settings: () => [null],
    runOne: ({ system }, options) => withServer(system, (server, peer) => runOne(server, peer, options)),
    tell: ({ verdict }) => `${verdict.all.delivered} of ${verdict.all.expected} delivered`,
    report,
  });
}

/**
 * @param {import('../load/children.mjs').Server} server
 * @param {import('../peers/table.mjs').Peer} peer
 * @param {import('./options.mjs').JitterOptions} options
 */
async function runOne({ port, pids }, { name, dialect, updateUrl }, { clients, perSecond, seed, ...times }) {
  const members = Array.from({ length: clients }, (_, index) => ({ index, publishers: [0] }));
  const crowd = new Crowd(
    { peer: { system: name, dialect, port }, seed, messageBytes: MESSAGE_BYTES, paths: [PATH], members },
    { perProcess: PER_PROCESS },
  );
  const loop = new OpenLoop({
    port,
    publish: { url: updateUrl, key: KEY },
    messages: new Messages(seed, MESSAGE_BYTES),
    paths: [PATH],
    perSecond,
    publisherOf: () => 0,
    lanes: 1,
  });
  try {
    await crowd.call('guard', { pids });
    await crowd.open();
    await crowd.call('measure');
    const cpu = new CpuWindow(pids);
    await comeAndGo(crowd, loop, times);
    const outcome = await crowd.judge(loop.published);
    return {
      ...outcome,
      ...cpu.end(outcome.cpu),
      updates: loop.published[0].dueMs.length,
      latestMs: loop.latestMs,
    };
  } finally {
    loop.close();
    crowd.close();
  }
}

/** @param {Crowd} crowd @param {OpenLoop} loop */
async function comeAndGo(crowd, loop, { seconds, everyMs, offMs }) {
  loop.start();
  const startMs = loop.startMs + LEAD_MS;
  const untilMs = startMs + seconds * 1000;
  await crowd.call('outages', { startMs, everyMs, offMs, untilMs });
  await loop.during(crowd.during(sleep(untilMs - nowMs())));
  await loop.during(crowd.settle(BACK_MS));
  await loop.during(sleep(TAIL_MS));
  await loop.stop();
  await crowd.settle(CATCH_UP_MS, loop.lastOf);
  await sleep(QUIET_MS);
}
