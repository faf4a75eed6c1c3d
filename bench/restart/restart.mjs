/**
 * Servers that are restarted under load: many clients, updates all the while, a signal, and the server again at the same place. Nothing is public,
 * so each client's paths are granted by a back end, which counts how often it is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { faultBench } from '../command/fault-bench.mjs';
import { nowMs } from '../load/clock.mjs';
import { CpuWindow } from '../load/cpu-window.mjs';
import { Crowd } from '../load/crowd.mjs';
import { Messages } from '../load/message.mjs';
import { OpenLoop } from '../load/open-loop.mjs';
import { BUILDS } from '../peers/dobby.mjs';
import { KEY } from '../peers/key.mjs';
import { PEERS } from '../peers/table.mjs';
import { BackEnd } from './back-end.mjs';
import { readOptions, USAGE } from './options.mjs';
import { report } from './report.mjs';
import { Restartable } from './servers.mjs';

const MESSAGE_BYTES = 128;
const SHARED = 'bench/restart';
const PER_PROCESS = 1000;
const SIGNALS = { term: /** @type {const} */ ('SIGTERM'), kill: /** @type {const} */ ('SIGKILL') };
/** A ticket with the newest grants is sent at most once a second. */
const TICKETS_MS = 1_500;
const LEAD_MS = 2_000;
const BACK_MS = 90_000;
/** Publishing goes on for so long when all are back. */
const TAIL_MS = 1_000;
const CATCH_UP_MS = 20_000;
/** After that: what comes now was doubled. */
const QUIET_MS = 200;
/** Updates a second of the path that all share, and of all paths of single clients together for each client. */
const SHARED_PER_SECOND = 2;
const OWN_PER_CLIENT = 1 / 10;
const LANES = 16;

/**
 * One run of one system.
 * @typedef {import('../command/fault-rows.mjs').FaultRun & {system: string, setting: 'term' | 'kill', round: number, exitMs: number,
 *   startMs: number, asked: number, askedAgain: number, updates: number, refusals: number}} Run
 */

/** @param {string[]} args @returns {Promise<number>} the exit code */
export function restart(args) {
  return faultBench(readOptions(args), {
    usage: USAGE,
    settings: ({ variants }) => variants,
    runOne: ({ system, setting }, options) => runOne(system, setting, options),
    tell: ({ lost, askedAgain, verdict }) =>
      `${lost} clients lost, ${askedAgain} back-end requests, ${verdict.silent} updates lost in silence`,
    report,
  });
}

/** @param {string} system @param {'term' | 'kill'} variant @param {import('./options.mjs').RestartOptions} options */
async function runOne(system, variant, { clients, seconds, seed }) {
  const servers = await Restartable.start(system);
  try {
    const run = new Run(servers, system, { clients, seed });
    try {
      return await run.perform(SIGNALS[variant], seconds * 1000);
    } finally {
      run.close();
    }
  } catch (error) {
    if (error instanceof Error)
      error.message += `\n  in ${system}. The server said:\n${servers.server.output()}`;
    throw error;
  } finally {
    await servers.stop();
  }
}

class Run {
  #servers;
  #backEnd;
  #crowd;
  #loop;

  constructor(servers, system, { clients, seed }) {
    const { dialect, updateUrl } = PEERS[system];
    const { port } = servers.server;
    // Only Dobby's clients have paths of their own: the peers have one room for all.
    const own = BUILDS.includes(system) ? clients : 0;
    const paths = [SHARED, ...Array.from({ length: own }, (_, i) => `${SHARED}/${i}`)];
    const members = Array.from({ length: clients }, (_, index) => ({
      index,
      publishers: own === 0 ? [0] : [0, index + 1],
    }));
    const messages = new Messages(seed, MESSAGE_BYTES);
    const ownPerSecond = Math.ceil(own * OWN_PER_CLIENT);
    const every = ownPerSecond / SHARED_PER_SECOND + 1;
    this.#servers = servers;
    this.#backEnd = new BackEnd(port, (fault) => this.#crowd.fail(fault));
    this.#crowd = new Crowd(
      { peer: { system, dialect, port }, seed, messageBytes: MESSAGE_BYTES, paths, members },
      { perProcess: PER_PROCESS, onAsk: (id, asked) => this.#backEnd.ask(id, asked) },
    );
    this.#loop = new OpenLoop({
      port,
      publish: { url: updateUrl, key: KEY },
      messages,
      paths,
      perSecond: ownPerSecond + SHARED_PER_SECOND,
      publisherOf: (i) =>
        own === 0 || Math.floor((i + 1) / every) > Math.floor(i / every) ? 0 : (i % own) + 1,
      lanes: LANES,
      isRetrying: true,
    });
  }

  /** @param {NodeJS.Signals} signal @param {number} afterMs of publishing after it, at least */
  async perform(signal, afterMs) {
    const [servers, crowd, loop, backEnd] = [this.#servers, this.#crowd, this.#loop, this.#backEnd];
    await crowd.call('guard', { pids: servers.server.pids });
    await crowd.open();
    await sleep(TICKETS_MS);
    await crowd.call('measure');
    const cpu = new CpuWindow(servers.server.pids);
    loop.start();
    await loop.during(crowd.during(sleep(LEAD_MS)));
    cpu.leave();
    const askedBefore = backEnd.asked;
    const sinceMs = nowMs();
    const { exitMs, startMs } = await loop.during(crowd.during(servers.restart(signal)));
    cpu.follow(servers.server.pids);
    await crowd.call('guard', { pids: servers.server.pids });
    await loop.during(crowd.during(sleep(afterMs)));
    await loop.during(crowd.settle(BACK_MS));
    await loop.during(crowd.during(sleep(TAIL_MS)));
    await loop.stop();
    await crowd.settle(CATCH_UP_MS, loop.lastOf);
    await sleep(QUIET_MS);
    const outcome = await crowd.judge(loop.published, sinceMs);
    return {
      ...outcome,
      ...cpu.end(outcome.cpu),
      exitMs,
      startMs,
      asked: askedBefore,
      askedAgain: backEnd.asked - askedBefore,
      updates: loop.published.reduce((sum, { isAccepted }) => sum + isAccepted.filter(Boolean).length, 0),
      refusals: loop.refusals,
    };
  }

  close() {
    this.#loop.close();
    this.#crowd.close();
    this.#backEnd.close();
  }
}
