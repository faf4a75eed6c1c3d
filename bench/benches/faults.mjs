/**
 * Faults, a mode each: the server is ended (`term`, `kill`) and started again at its place, clients come and go (`churn`), clients stop reading
 * (`slow`). Counted is what reached every client in the end, and when, and what it cost. What Dobby promises stands in promises.mjs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { othersShareOf, SATURATED } from '../command/report.mjs';
import { nowMs, residentBytes, Usage } from '../load/usage.mjs';
import { Verdict } from '../load/verdict.mjs';
import { BackEnd } from '../peers/granting-back-end.mjs';
import { isDobby, PEERS } from '../peers/table.mjs';
import { bars } from './promises.mjs';
import { withCrowd } from './with-crowd.mjs';

const PATH = 'bench/faults';
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
 * @property {number} [everyMs] of a client's going, on average @property {number} [offMs] for how long it is gone
 * @property {number} [slow]
 */

const ENDED = { clients: 5000, seconds: 15, messageBytes: 128, leadMs: 2000 };
const BRIEFLY = { clients: 40, seconds: 1 };
const CHURN = { clients: 2000, seconds: 60, perSecond: 10, messageBytes: 128, leadMs: 500 };
/** @type {Record<string, {full: Mode, short: Partial<Mode>}>} */
const MODES = {
  term: { full: { ...ENDED, signal: 'SIGTERM' }, short: BRIEFLY },
  kill: { full: { ...ENDED, signal: 'SIGKILL' }, short: BRIEFLY },
  churn: {
    full: { ...CHURN, everyMs: 15_000, offMs: 2_000 },
    short: { clients: 60, seconds: 4, everyMs: 2_000, offMs: 500 },
  },
  slow: {
    full: { clients: 50, seconds: 60, perSecond: 1000, messageBytes: 128, leadMs: 10_000, slow: 10 },
    // Large messages, so that the kernel's buffers fill within the short time.
    short: { clients: 10, seconds: 3, perSecond: 400, messageBytes: 8000, leadMs: 1000, slow: 20 },
  },
};

/** @type {import('../command/course.mjs').Bench} */
export const faults = {
  name: 'faults',
  about: 'servers that end, clients that come and go or stop reading: what is missing in the end',
  options: {
    modes: { full: Object.keys(MODES) },
    clients: { full: null },
    seconds: { full: null },
    isShort: { full: 0, short: 1 },
  },
  peers: PEERS,
  systems: ['dobby', 'socketio', 'ws-loop', 'centrifugo'],
  settings: ({ modes, isShort, clients, seconds }) =>
    modes.map((name) => {
      const { full, short } = MODES[name];
      const mode = { ...full, ...(isShort > 0 ? short : {}) };
      return { ...mode, clients: clients ?? mode.clients, seconds: seconds ?? mode.seconds, name };
    }),
  measure,
  line: ({ verdict, notBack }) =>
    `${verdict.all.delivered} of ${verdict.all.expected} delivered, ${verdict.silent} lost in silence, ${notBack} clients not back`,
  title: () =>
    'Counts of all runs together, times of the slowest run, p99s in ms of all samples; before, during and after are of clients that read on',
  summarise(runs) {
    const hollow = runs.findIndex(({ verdict }) => verdict.all.expected === 0);
    if (hollow >= 0) throw new Error(`run ${hollow} of ${runs.length} expected nothing`);
    const verdict = new Verdict();
    for (const each of runs) verdict.merge(each.verdict);
    const sum = (name) => runs.reduce((total, each) => total + each[name], 0);
    const generatorBusy = Math.max(...runs.map(({ generator }) => generator.readerBusy));
    return {
      ...{ runs, verdict, generatorBusy, isGeneratorBound: generatorBusy > SATURATED },
      ...{ notBack: sum('notBack'), newSessions: sum('newSessions'), askedAgain: sum('askedAgain') },
      gaps: Object.values(verdict.gaps).reduce((a, b) => a + b, 0),
      othersShare: othersShareOf(runs),
      serverCpu: sum('serverCpu') / runs.length,
    };
  },
  columns: [
    ...['system', 'mode', 'delivered', 'silent', 'announced', 'doubled', 'outOfOrder', 'altered', 'gaps'],
    ...['notBack', 'newSessions', 'askedAgain', 'exit', 'firstBack', 'medianBack', 'lastBack'],
    ...['p50OfAll', 'p99OfAll', 'p99Online', 'p99CaughtUp', 'p99Before', 'p99During', 'p99After'],
    ...['memoryBefore', 'memoryMost', 'closings', 'serverCpu', 'busy', 'others'],
  ],
  bars,
};

/** Which publisher publishes on which path, which of them all clients hear, and when each publishes. */
function plan(system, { signal, clients, perSecond: asked }) {
  // Only Dobby's clients have paths of their own: the peers have one room for all.
  const hasOwn = signal !== undefined && isDobby(system);
  const own = hasOwn ? clients : 0;
  const perSecond = asked ?? SHARED_PER_SECOND + Math.ceil(own * OWN_PER_SECOND);
  // Updates of the shared path are of one publisher, or of several by turns where there are many.
  const shared = perSecond > 100 && !hasOwn ? LANES : 1;
  const paths = [...Array(shared).fill(PATH), ...Array.from({ length: own }, (_, i) => `${PATH}/${i}`)];
  const every = perSecond / SHARED_PER_SECOND;
  const isShared = (i) => Math.floor((i + 1) / every) > Math.floor(i / every);
  const publisherOf = hasOwn ? (i) => (isShared(i) ? 0 : (i % own) + 1) : (i) => i % shared;
  const publishers = Array.from({ length: shared }, (_, p) => p);
  return { paths, publishers, hasOwn, clock: { everyMs: 1000 / perSecond, publisherOf } };
}

function measure({ system, setting: mode }, { seed }) {
  const { clients, messageBytes, signal } = mode;
  const { clock, ...heard } = plan(system, mode);
  const order = { seed, messageBytes, clients, isReturning: true, ...heard };
  const use = async ({ running, load, publishers }) => {
    const backEnd = new BackEnd(running.server.port, load.onFault);
    load.onNotice = ({ id, paths }) => backEnd.ask(id, paths);
    const memory = watchMemory(() => running.server.pids);
    try {
      return await perform({ running, mode, call: load.call, publishers, clock, backEnd, memory });
    } finally {
      memory.stop();
      backEnd.close();
    }
  };
  // Where the server is ended nothing is public, so that a back end grants each path and counts how often it is asked.
  const isEnded = signal !== undefined;
  return withCrowd(PEERS[system], order, use, { isOpen: !isEnded, lanes: LANES, isRetrying: isEnded });
}

async function perform({ running, mode, call, publishers, clock, backEnd, memory }) {
  await call('open');
  if (mode.signal !== undefined) await sleep(TICKETS_MS);
  await call('begin');
  const usage = new Usage(running.server.pids);
  let isOver = false;
  const published = publishers.byTheClock({ ...clock, isOver: () => isOver });
  await sleep(mode.leadMs);
  memory.begin();
  const askedBefore = backEnd.asked;
  const sinceMs = nowMs();
  const slow = slowOf(mode);
  const took = await befall({ running, mode, slow, call, usage, sinceMs });
  const untilMs = nowMs();
  await call('settle', { ms: BACK_MS });
  await sleep(TAIL_MS);
  isOver = true;
  await published;
  await publishers.settled();
  await call('settle', { ms: CATCH_UP_MS, lastOf: publishers.lastOf });
  await sleep(QUIET_MS);
  const judged = await call('judge', { published: publishers.published, edges: [sinceMs, untilMs], slow });
  const counts = { askedAgain: backEnd.asked - askedBefore, updates: publishers.accepted };
  return { ...judged, ...usage.end(judged.usage), ...took, ...counts, memory: memory.figures };
}

/** Lets happen what the mode is about. */
async function befall({ running, mode, slow, call, usage, sinceMs }) {
  const { signal, seconds, everyMs, offMs } = mode;
  if (signal !== undefined) {
    usage.leave();
    const took = await running.restart(signal);
    usage.follow(running.server.pids);
    await call('guard', { pids: running.server.pids });
    await sleep(seconds * 1000);
    return took;
  }
  if (slow.length > 0) await call('pause', { slow });
  else await call('outages', { startMs: sinceMs, everyMs, offMs, untilMs: sinceMs + seconds * 1000 });
  await sleep(seconds * 1000);
  if (slow.length > 0) await call('resume', { slow });
  return {};
}

/** The clients that stop reading, spread evenly. */
function slowOf({ clients, slow = 0 }) {
  const count = Math.round((clients * slow) / 100);
  return Array.from({ length: count }, (_, i) => Math.floor((i * clients) / count));
}

/** Looks at a server's memory each second; `figures` are bytes at `begin`, and the most since. */
function watchMemory(pidsOf) {
  const figures = { before: 0, most: 0 };
  const look = () => {
    try {
      return residentBytes(pidsOf());
    } catch {
      // It is being restarted.
      return 0;
    }
  };
  const timer = setInterval(() => {
    figures.most = Math.max(figures.most, look());
  }, MEMORY_EVERY_MS);
  const begin = () => {
    figures.before = look();
    figures.most = figures.before;
  };
  return { figures, begin, stop: () => clearInterval(timer) };
}
