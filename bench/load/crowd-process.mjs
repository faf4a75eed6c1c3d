/** Some clients of a crowd, in a process of their own; see crowd.mjs. Tells {id, paths} where the back end has to be asked. */
import { Client } from './client.mjs';
import { countAll, Verdict } from './judge.mjs';
import { Messages } from './message.mjs';
import { outageTimes } from './outages.mjs';
import { serve, tell } from './remote.mjs';
import { ownUsage } from './usage.mjs';

const CONNECTING_AT_ONCE = 25;
const READ_BYTES = 256 * 1024;

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

  /** How many are subscribed and have heard up to the last numbers. */
  status({ lastOf }) {
    return this.#clients.filter(({ isReady, hearing }) => isReady && hearing.hasReached(lastOf)).length;
  }

  /** Judges all; coming back counts from `sinceMs`, phases end at `edges`. */
  judge({ published, sinceMs, edges }) {
    const verdict = new Verdict();
    for (const [i, client] of this.#clients.entries())
      client.judge(verdict, published, this.#order[i].isSlow ? [] : edges);
    const { cpu, readerBusy } = this.#usage();
    return {
      ...{ verdict: verdict.toJSON(), busy: readerBusy, cpu },
      lost: this.#clients.filter(({ isReady }) => !isReady).length,
      newSessions: this.#clients.flatMap(({ sessions }) => sessions.filter((at) => at > sinceMs)).length,
      backAfterMs: this.#clients.flatMap(({ spans }) => {
        const span = spans.find(({ from }) => from > sinceMs);
        return span === undefined ? [] : [span.from - sinceMs];
      }),
      endings: countAll(this.#clients.map(({ endings }) => endings)),
      oddities: this.#clients.flatMap(({ oddities }) => oddities).slice(0, 3),
    };
  }

  get #slow() {
    return this.#clients.filter((_, i) => this.#order[i].isSlow);
  }
}

serve((order) => new Calls(order));
