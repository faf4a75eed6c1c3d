/**
 * Faults, a mode each: the server is ended (`term`, `kill`) and started again at its place, clients come and go (`churn`), clients stop reading
 * (`slow`). Counted is what reached every client in the end, and when, and what it cost. The report stands in restart-report.mjs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, within } from '../load/fault.mjs';
import { Messages } from '../load/message.mjs';
import { Publishers } from '../load/publishers.mjs';
import { Remote } from '../load/remote.mjs';
import { nowMs, residentBytes, Usage } from '../load/usage.mjs';
import { BackEnd } from '../peers/granting-back-end.mjs';
import { withServer } from '../peers/server.mjs';
import { isDobby, PEERS } from '../peers/table.mjs';
import { REPORT } from './restart-report.mjs';

const CROWD = new URL('../load/crowd.mjs', import.meta.url);
const CALL_MS = 120_000;
const PATH = 'bench/restart';
const LANES = 16;
/** A ticket with the newest grants is sent at most once a second. */
const TICKETS_MS = 1_500;
/** Until all clients are back; one that cannot connect waits up to 20 s. */
const BACK_MS = 90_000;
/** Publishing goes on for so long when all are back: a client that lost something hears that it is behind. */
const TAIL_MS = 1_500;
const CATCH_UP_MS = 60_000;
/** After that: what comes now was doubled. */
const QUIET_MS = 200;
const MEMORY_EVERY_MS = 1_000;
/** Updates a second of the path that all share, where each client has one of its own too; and of those of each client. */
const SHARED_PER_SECOND = 2;
const OWN_PER_SECOND = 1 / 10;

/**
 * A mode, with what `--short` changes. `slow` of a hundred clients stop reading; without `perSecond` each client has a path of its own.
 * @typedef {object} Mode
 * @property {NodeJS.Signals} [signal]
 * @property {number} clients
 * @property {number} seconds of what befalls, or of publishing after the signal
 * @property {number} [perSecond] updates
 * @property {number} messageBytes
 * @property {number} leadMs of publishing before it
 */

const ENDED = { clients: 5000, seconds: 15, messageBytes: 128, leadMs: 2000 };
/** @type {Record<string, {full: Mode & Record<string, unknown>, short: object}>} */
const MODES = {
  term: { full: { ...ENDED, signal: 'SIGTERM' }, short: { clients: 40, seconds: 1 } },
  kill: { full: { ...ENDED, signal: 'SIGKILL' }, short: { clients: 40, seconds: 1 } },
  churn: {
    full: {
      clients: 2000,
      seconds: 60,
      perSecond: 10,
      messageBytes: 128,
      leadMs: 500,
      everyMs: 15_000,
      offMs: 2_000,
    },
    short: { clients: 60, seconds: 4, everyMs: 2_000, offMs: 500 },
  },
  slow: {
    full: { clients: 50, seconds: 60, perSecond: 1000, messageBytes: 128, leadMs: 10_000, slow: 10 },
    // Large messages, so that the kernel's buffers fill within the short time.
    short: { clients: 10, seconds: 3, perSecond: 400, messageBytes: 8000, leadMs: 1000, slow: 20 },
  },
};

/** @type {import('../command/course.mjs').Bench} */
export const restart = {
  name: 'restart',
  about: 'servers that end, clients that come and go or stop reading: what is missing in the end',
  options: {
    modes: { about: 'what happens, a setting each', full: Object.keys(MODES), of: Object.keys(MODES) },
    clients: { about: 'WebSocket clients, else as the mode has it', full: null },
    seconds: { about: 'that it lasts; of publishing after the signal', full: null },
    rate: { about: 'updates a second; not of term and kill', full: null },
    slow: { about: 'of a hundred clients, how many stop reading', full: null },
    isShort: { full: 0, short: 1 },
  },
  peers: PEERS,
  systems: ['dobby', 'socketio', 'socketio-recovery', 'ws-loop'],
  settings: ({ modes, clients, seconds, rate, slow, isShort }) =>
    modes.map((name) => {
      const { full, short } = MODES[name];
      const mode = { ...full, ...(isShort > 0 ? short : {}) };
      const rated = mode.perSecond === undefined ? {} : { perSecond: rate ?? mode.perSecond };
      const asked = { clients: clients ?? mode.clients, seconds: seconds ?? mode.seconds, ...rated };
      return { ...mode, ...asked, slow: mode.slow === undefined ? 0 : (slow ?? mode.slow), name };
    }),
  measure({ system, setting }, { seed }) {
    const use = (running) => new Run(running, PEERS[system], setting, seed).perform();
    // Where the server is ended nothing is public, so that a back end grants each path and counts how often it is asked.
    return withServer(PEERS[system], use, setting.signal === undefined);
  },
  tell: ({ verdict, lost }) =>
    `${verdict.all.delivered} of ${verdict.all.expected} delivered, ${verdict.silent} lost in silence, ${lost} clients lost`,
  ...REPORT,
};

class Run {
  #running;
  #mode;
  #slow;
  #failure = new Failure();
  #backEnd;
  #crowd;
  #publishers;
  #publisherOf;
  #memory = { before: 0, most: 0 };

  constructor(running, { name, dialect, returning = dialect, publish }, mode, seed) {
    const { port, pids } = running.server;
    const { clients, messageBytes, signal } = mode;
    const onFault = (fault) => this.#failure.fail(fault);
    // Only Dobby's clients have paths of their own: the peers have one room for all.
    const own = signal !== undefined && isDobby(name) ? clients : 0;
    // Updates of the shared path are of one publisher, or of several by turns where there are many.
    const shared = (mode.perSecond ?? 0) > 100 ? LANES : 1;
    const paths = Array(shared)
      .fill(PATH)
      .concat(Array.from({ length: own }, (_, i) => `${PATH}/${i}`));
    const perSecond = mode.perSecond ?? SHARED_PER_SECOND + Math.ceil(own * OWN_PER_SECOND);
    const every = perSecond / SHARED_PER_SECOND;
    this.#running = running;
    this.#mode = { ...mode, perSecond };
    this.#slow = Math.round((clients * mode.slow) / 100);
    this.#publisherOf = (i) => {
      if (own === 0) return i % shared;
      return Math.floor((i + 1) / every) > Math.floor(i / every) ? 0 : (i % own) + 1;
    };
    this.#backEnd = new BackEnd(port, onFault);
    const heard = Array.from({ length: shared }, (_, p) => p);
    const members = Array.from({ length: clients }, (_, index) => ({
      index,
      publishers: own === 0 ? heard : [0, index + 1],
      isSlow: index % Math.max(1, Math.floor(clients / this.#slow)) === 0 && this.#slow > 0,
    }));
    this.#crowd = new Remote(
      CROWD,
      { port, pids, dialect: returning, seed, messageBytes, paths, members },
      { onFault, onTold: ({ id, paths: asked }) => this.#backEnd.ask(id, asked) },
    );
    this.#publishers = new Publishers({
      ...{ port, publish, paths, onFault, lanes: LANES, isRetrying: signal !== undefined },
      messages: new Messages(seed, messageBytes),
    });
  }

  async perform() {
    const watch = setInterval(() => this.#look(), MEMORY_EVERY_MS);
    try {
      return await this.#failure.during(this.#measure());
    } finally {
      clearInterval(watch);
      this.#publishers.close();
      this.#crowd.close();
      this.#backEnd.close();
    }
  }

  async #measure() {
    const [publishers, { leadMs, perSecond, signal }] = [this.#publishers, this.#mode];
    await this.#call('open');
    if (signal !== undefined) await sleep(TICKETS_MS);
    const usage = new Usage(this.#running.server.pids);
    const startMs = nowMs();
    let isOver = false;
    const clock = {
      startMs,
      everyMs: 1000 / perSecond,
      publisherOf: this.#publisherOf,
      isOver: () => isOver,
    };
    const published = publishers.byTheClock(clock);
    await sleep(leadMs);
    this.#memory.before = this.#look();
    this.#memory.most = this.#memory.before;
    const askedBefore = this.#backEnd.asked;
    const sinceMs = nowMs();
    const took = await this.#befall(usage, sinceMs);
    const untilMs = nowMs();
    await this.#call('settle', { ms: BACK_MS });
    await sleep(TAIL_MS);
    isOver = true;
    await published;
    await publishers.settled();
    await this.#call('settle', { ms: CATCH_UP_MS, lastOf: publishers.lastOf });
    await sleep(QUIET_MS);
    const judged = { published: publishers.published, sinceMs, edges: [sinceMs, untilMs] };
    const outcome = await this.#call('judge', judged);
    const used = usage.end(outcome.cpu);
    const asked = { askedAgain: this.#backEnd.asked - askedBefore, refusals: publishers.refusals };
    return { ...outcome, ...used, ...took, ...asked, updates: publishers.accepted, memory: this.#memory };
  }

  /** Calls the process of the clients. @param {'guard' | 'open' | 'outages' | 'pause' | 'resume' | 'settle' | 'judge'} type */
  #call(type, data = {}) {
    return within(this.#crowd.call(type, data), CALL_MS, () => `the clients had not answered "${type}"`);
  }

  /** What the mode is about. */
  async #befall(usage, sinceMs) {
    const { signal, seconds, everyMs, offMs } = this.#mode;
    const [running, ms] = [this.#running, seconds * 1000];
    if (signal !== undefined) {
      usage.leave();
      const took = await running.restart(signal);
      usage.follow(running.server.pids);
      await this.#call('guard', { pids: running.server.pids });
      await sleep(ms);
      return took;
    }
    if (this.#slow > 0) await this.#call('pause');
    else await this.#call('outages', { startMs: sinceMs, everyMs, offMs, untilMs: sinceMs + ms });
    await sleep(ms);
    if (this.#slow > 0) await this.#call('resume');
    return {};
  }

  /** Looks at the server's memory. @returns {number} bytes */
  #look() {
    try {
      const bytes = residentBytes(this.#running.server.pids);
      this.#memory.most = Math.max(this.#memory.most, bytes);
      return bytes;
    } catch {
      // It is being restarted.
      return 0;
    }
  }
}
