/** Many clients that come back, in a process of their own. Tells {id, paths} where the back end has to be asked. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './client.mjs';
import { countAll, Verdict } from './judge.mjs';
import { Messages } from './message.mjs';
import { serve, tell } from './remote.mjs';
import { nowMs, ownUsage } from './usage.mjs';

const CONNECTING_AT_ONCE = 25;
const POLL_MS = 20;
const READ_BYTES = 256 * 1024;
/** A client that goes before it is back, or is back for a moment, tells nothing of the server. */
const LEAST_ONLINE_MS = 250;

/**
 * @typedef {object} CrowdOrder
 * @property {number} port
 * @property {number[]} pids of the server
 * @property {string} dialect
 * @property {number} seed
 * @property {number} messageBytes
 * @property {string[]} paths of each publisher
 * @property {{index: number, publishers: number[], isSlow: boolean}[]} members and whom each is to hear
 */

class Calls {
  #order;
  #clients;
  #usage = ownUsage();

  /** @param {CrowdOrder} order */
  constructor({ port, dialect, seed, messageBytes, paths, members }) {
    const messages = new Messages(seed, messageBytes);
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const onAsk = (id, asked) => tell({ id, paths: asked });
    this.#order = members;
    this.#clients = members.map(({ publishers }) => {
      const pathOf = new Map(publishers.map((p) => [p, paths[p]]));
      return new Client({ port, dialect, buffer, messages, pathOf, onAsk });
    });
  }

  /** Connects all, some at a time; answers when all are subscribed. */
  async open() {
    const left = [...this.#clients];
    const lane = async () => {
      for (let client = left.pop(); client !== undefined; client = left.pop()) await client.open();
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
    this.#usage = ownUsage();
  }

  /** Every client is gone for `offMs`, each at times of its own. */
  outages(outages) {
    for (const [i, client] of this.#clients.entries())
      client.suffer(outageTimes(this.#order[i].index, outages), outages.offMs);
  }

  pause() {
    for (const client of this.#slow) client.pause();
  }

  resume() {
    for (const client of this.#slow) client.resume();
  }

  /** Waits at most `ms` until every client is subscribed, and has heard up to the last numbers if these are named. */
  async settle({ ms, lastOf = new Map() }) {
    const isSettled = ({ isReady, hearing }) => isReady && hearing.hasReached(lastOf);
    for (const untilMs = nowMs() + ms; nowMs() < untilMs; await sleep(POLL_MS))
      if (this.#clients.every(isSettled)) return;
  }

  /** Judges all. `lost` are not subscribed; coming back counts from `sinceMs`, in rising order; phases end at `edges`. */
  judge({ published, sinceMs, edges }) {
    const verdict = new Verdict();
    for (const [i, client] of this.#clients.entries())
      client.judge(verdict, published, this.#order[i].isSlow ? [] : edges);
    const { cpu, readerBusy } = this.#usage();
    return {
      ...{ verdict: JSON.parse(JSON.stringify(verdict)), busy: readerBusy, cpu },
      lost: this.#clients.filter(({ isReady }) => !isReady).length,
      newSessions: this.#clients.flatMap(({ sessions }) => sessions.filter((at) => at > sinceMs)).length,
      backAfterMs: this.#clients
        .flatMap(({ spans }) => spans.find(({ from }) => from > sinceMs)?.from ?? [])
        .map((from) => from - sinceMs)
        .toSorted((a, b) => a - b),
      endings: countAll(this.#clients.map(({ endings }) => endings)),
      oddities: this.#clients.flatMap(({ oddities }) => oddities).slice(0, 3),
    };
  }

  get #slow() {
    return this.#clients.filter((_, i) => this.#order[i].isSlow);
  }
}

/**
 * The times at which one client goes, so that it is back by `untilMs`: the same in every run. Times online have no memory (exponential), as
 * connections break by themselves: with fixed ones a server that serves in the order of connecting would reach the next to go first.
 * @param {number} index of the client
 * @param {{startMs: number, everyMs: number, offMs: number, untilMs: number}} outages where `everyMs` is the mean time from one to the next
 * @returns {number[]} in rising order
 */
function outageTimes(index, { startMs, everyMs, offMs, untilMs }) {
  const times = [];
  let fromMs = startMs;
  for (let n = 0; ; n++) {
    fromMs += LEAST_ONLINE_MS - Math.log(1 - evenly(index, n)) * (everyMs - offMs - LEAST_ONLINE_MS);
    if (fromMs + offMs > untilMs) return times;
    times.push(fromMs);
    fromMs += offMs;
  }
}

/** Evenly spread in [0, 1): the final mix of MurmurHash3. */
function evenly(index, n) {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

serve((order) => new Calls(order));
