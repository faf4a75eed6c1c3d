/**
 * Clients that stop reading in the middle of a stream, and go on later. Counted is what that costs the others, what it costs the server in memory, and
 * what becomes of those that stopped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { faultBench } from '../command/fault-bench.mjs';
import { withServer } from '../command/turns.mjs';
import { nowMs } from '../load/clock.mjs';
import { CpuWindow } from '../load/cpu-window.mjs';
import { Crowd } from '../load/crowd.mjs';
import { within } from '../load/fault.mjs';
import { Messages } from '../load/message.mjs';
import { OpenLoop } from '../load/open-loop.mjs';
import { Remote } from '../load/remote.mjs';
import { KEY } from '../peers/key.mjs';
import { MemoryWatch } from './memory-watch.mjs';
import { readOptions, USAGE } from './options.mjs';
import { report } from './report.mjs';

const PATH = 'bench/slow';
const READERS = fileURLToPath(new URL('./readers-process.mjs', import.meta.url));
const LANES = 16;
/** More deliveries a second than this saturate the peers, and then everybody waits, whether some are slow or not. */
const PEERS_MAX = 60_000;
const OPEN_MS = 60_000;
const CATCH_UP_MS = 60_000;
const FINISH_MS = 60_000;
/** Before the server's memory is looked at for the last time. */
const REST_MS = 2_000;

/**
 * One run of one system; phases are before, during and after.
 * @typedef {import('../command/fault-rows.mjs').FaultRun & {system: string, setting: number, round: number, slow: number, updates: number,
 *   phases: [number, number][][], latestMs: number,
 *   memory: {start: number, before: number, most: number, end: number, samples: {atMs: number, bytes: number}[]}}} Run
 */

/** @param {string[]} args @returns {Promise<number>} the exit code */
export function slow(args) {
  return faultBench(readOptions(args), {
    usage: USAGE,
    settings: ({ clients }) => clients,
    isLeftOut: ({ system, setting }, { perSecond }) => system !== 'dobby' && setting * perSecond > PEERS_MAX,
    runOne: ({ system, setting }, options) =>
      withServer(system, (server, peer) => new Run(server, peer, setting, options).perform()),
    tell: ({ slow: count, memory, verdict }) =>
      `${count} slow, ${Math.round((memory.most - memory.before) / 1e6)} MB more, ${verdict.silent} updates lost in silence`,
    report,
  });
}

class Run {
  #pids;
  #options;
  #slow;
  #crowd;
  #readers;
  #loop;

  /**
   * @param {import('../load/children.mjs').Server} server
   * @param {import('../peers/table.mjs').Peer} peer
   * @param {number} clients
   * @param {import('./options.mjs').SlowOptions} options
   */
  constructor({ port, pids }, { name, dialect, updateUrl }, clients, options) {
    const { seed, messageBytes, perSecond, slowPercent } = options;
    const count = Math.max(1, Math.round((clients * slowPercent) / 100));
    const paths = Array.from({ length: LANES }, () => PATH);
    const publishers = paths.map((_, p) => p);
    const members = Array.from({ length: count }, (_, index) => ({ index, publishers }));
    this.#pids = pids;
    this.#options = options;
    this.#slow = count;
    this.#crowd = new Crowd(
      { peer: { system: name, dialect, port }, seed, messageBytes, paths, members },
      { perProcess: count },
    );
    this.#readers = new Remote(
      READERS,
      { port, dialect, path: PATH, count: clients - count, publishers: LANES, perSecond, seed, messageBytes },
      { onFault: (fault) => this.#crowd.fail(fault) },
    );
    this.#loop = new OpenLoop({
      port,
      publish: { url: updateUrl, key: KEY },
      messages: new Messages(seed, messageBytes),
      paths,
      perSecond,
      publisherOf: (i) => i % LANES,
      lanes: LANES,
    });
  }

  async perform() {
    try {
      await this.#crowd.call('guard', { pids: this.#pids });
      await this.#crowd.open();
      await this.#call('open', {}, OPEN_MS);
      await this.#crowd.call('measure');
      const memory = new MemoryWatch(this.#pids);
      try {
        return await this.#measure(memory);
      } finally {
        memory.stop();
      }
    } finally {
      this.#loop.close();
      this.#crowd.close();
      this.#readers.close();
    }
  }

  /** @param {MemoryWatch} memory */
  async #measure(memory) {
    const [crowd, loop] = [this.#crowd, this.#loop];
    const cpu = new CpuWindow(this.#pids);
    const start = memory.look();
    const before = await this.#stream(memory);
    await loop.stop();
    const updates = loop.published.reduce((sum, { dueMs }) => sum + dueMs.length, 0);
    const { phases, ...readers } = await this.#call('finish', { accepted: updates }, FINISH_MS);
    await crowd.settle(CATCH_UP_MS, loop.lastOf);
    await crowd.during(sleep(REST_MS));
    const outcome = await crowd.judge(loop.published);
    return {
      ...outcome,
      ...cpu.end(outcome.cpu + readers.cpu),
      busy: Math.max(outcome.busy, readers.busy),
      slow: this.#slow,
      updates,
      phases,
      latestMs: loop.latestMs,
      memory: { start, before, end: memory.look(), most: memory.most, samples: memory.samples },
    };
  }

  /** Publishes through the three phases. Answers the bytes of memory when the slow ones stop. */
  async #stream(memory) {
    const { beforeSeconds, seconds, afterSeconds } = this.#options;
    const startMs = nowMs() + 100;
    const stopMs = startMs + beforeSeconds * 1000;
    const goOnMs = stopMs + seconds * 1000;
    await this.#call('begin', { startMs, edges: [stopMs, goOnMs] }, OPEN_MS);
    this.#loop.start(startMs);
    await this.#until(stopMs);
    const before = memory.look();
    await this.#crowd.call('pause');
    await this.#until(goOnMs);
    await this.#crowd.call('resume');
    await this.#until(goOnMs + afterSeconds * 1000);
    return before;
  }

  #until(ms) {
    return this.#loop.during(this.#crowd.during(sleep(ms - nowMs())));
  }

  #call(type, data, deadlineMs) {
    const answer = this.#readers.call(type, data);
    return this.#crowd.during(within(answer, deadlineMs, () => `the readers had not answered "${type}"`));
  }
}
