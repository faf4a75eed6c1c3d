/** Many subscribers in a process of their own: those of a measured window, which end when they are closed, or those that come back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openAll } from './connection.mjs';
import { Hearing } from './hearing.mjs';
import { Messages } from './message.mjs';
import { notify, serve } from './remote.mjs';
import { outageTimes, ReturningClient } from './returning-client.mjs';
import { Samples } from './samples.mjs';
import { Stream, Subscriber } from './subscriber.mjs';
import { nowMs, ownUsage } from './usage.mjs';
import { countAll, Verdict } from './verdict.mjs';

const POLL_MS = 2;

/**
 * @typedef {object} CrowdOrder
 * @property {number} port
 * @property {number[]} pids of the server
 * @property {string} dialect
 * @property {number} seed
 * @property {number} messageBytes
 * @property {string[]} paths of each publisher
 * @property {number} clients
 * @property {number[]} [publishers] those that all clients hear; all, if not said
 * @property {boolean} [hasOwn] whether client `i` hears publisher `i + 1` too
 * @property {boolean} [isReturning] whether clients come back
 */

class Crowd {
  #clients;
  #samples = new Samples();
  #usage = ownUsage();
  /** When the last update came. */
  #lastMs = 0;

  /** @param {CrowdOrder} order */
  constructor({ port, dialect, seed, messageBytes, paths, clients, ...order }) {
    const { publishers = [...paths.keys()], hasOwn = false, isReturning = false } = order;
    const messages = new Messages(seed, messageBytes);
    const stream = new Stream();
    const pathOfThese = (these) => new Map(these.map((p) => [p, paths[p]]));
    const shared = pathOfThese(publishers);
    const onHeard = ({ sentMs }, atMs) => {
      this.#lastMs = atMs;
      this.#samples.add(atMs - sentMs);
    };
    this.#clients = Array.from({ length: clients }, (_, index) => {
      const pathOf = hasOwn ? pathOfThese([...publishers, index + 1]) : shared;
      const options = { index, port, dialect, paths: [...new Set(pathOf.values())] };
      if (isReturning) return new ReturningClient(options, messages, pathOf, (asked) => notify(asked));
      return new Subscriber(options, stream, new Hearing(messages, pathOf, onHeard));
    });
  }

  /** Connects all; answers when all are subscribed. */
  async open() {
    await openAll(this.#clients);
    this.#usage = ownUsage();
  }

  /** Begins a window: times and CPU count from now. */
  begin() {
    this.#samples = new Samples();
    this.#usage = ownUsage();
  }

  /**
   * Waits until every client is subscribed and has heard up to the last numbers, or was closed; at most `ms`, and at most `quietMs` in which no
   * update comes. Answers what this process has used, and when the last update of a window came.
   */
  async settle({ ms, quietMs = ms, lastOf = new Map() }) {
    const beganMs = nowMs();
    const isSettled = ({ isReady, closed, hearing }) =>
      closed !== null || (isReady && hearing.hasReached(lastOf));
    const isLate = () => nowMs() > Math.min(beganMs + ms, Math.max(beganMs, this.#lastMs) + quietMs);
    while (!this.#clients.every(isSettled) && !isLate()) await sleep(POLL_MS);
    return { usage: this.#usage(), lastMs: this.#lastMs };
  }

  /** Counts what all heard of `accepted` updates; `firstWrong` is the first of what was wrong, in words. */
  account({ accepted }) {
    const hearings = this.#clients.map(({ hearing }) => hearing);
    const sum = (countOf) => hearings.reduce((total, hearing) => total + countOf(hearing), 0);
    const lacking = hearings.findIndex(({ count }) => count < accepted);
    const lack = `connection ${lacking}: ${hearings[lacking]?.count} of ${accepted} updates came`;
    const wrong = hearings.findIndex(({ firstWrong }) => firstWrong !== null);
    return {
      lost: accepted * hearings.length - sum(({ count }) => count),
      doubled: sum(({ again }) => again.length),
      disordered: sum(({ disordered }) => disordered),
      altered: sum(({ altered }) => altered),
      closed: this.#clients.filter(({ closed }) => closed !== null).length,
      firstWrong: [
        ...(wrong < 0 ? [] : [`connection ${wrong}: ${hearings[wrong].firstWrong}`]),
        ...this.#clients.flatMap(({ closed }) => closed ?? []).slice(0, 1),
        ...(lacking < 0 ? [] : [lack]),
      ].join('; '),
      count: this.#samples.count,
      samples: this.#samples.toJSON(),
    };
  }

  /** Every client is gone for `offMs` again and again, each at times of its own. */
  outages(outages) {
    for (const client of this.#clients) client.suffer(outageTimes(client.index, outages), outages.offMs);
  }

  /** Lets these clients read nothing. */
  pause({ slow }) {
    for (const index of slow) this.#clients[index].pause();
  }

  resume({ slow }) {
    for (const index of slow) this.#clients[index].resume();
  }

  /** Judges all; `slow` clients count in no phase. Coming back counts from the first of `edges`, in rising order. */
  judge({ published, edges, slow }) {
    const verdict = new Verdict();
    const clients = this.#clients;
    for (const client of clients) client.judge(verdict, published, slow.includes(client.index) ? [] : edges);
    const [sinceMs] = edges;
    return {
      verdict: JSON.parse(JSON.stringify(verdict)),
      usage: this.#usage(),
      notBack: clients.filter(({ isReady }) => !isReady).length,
      newSessions: clients.flatMap(({ sessions }) => sessions.filter((at) => at > sinceMs)).length,
      backAfterMs: clients
        .flatMap(({ spans }) => spans.find(({ from }) => from > sinceMs)?.from ?? [])
        .map((from) => from - sinceMs)
        .toSorted((a, b) => a - b),
      endings: countAll(clients.map(({ endings }) => endings)),
      oddities: clients.flatMap(({ oddities }) => oddities).slice(0, 3),
    };
  }
}

serve((order) => new Crowd(order));
