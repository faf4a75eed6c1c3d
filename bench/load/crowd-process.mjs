/** Some clients of a crowd, in a process of their own; see crowd.mjs. Tells {id, paths} where the back end has to be asked. */
import { performance } from 'node:perf_hooks';
import { countAll } from './counts.mjs';
import { Verdict } from './judge.mjs';
import { Member } from './member.mjs';
import { Messages } from './message.mjs';
import { outageTimes } from './outages.mjs';
import { serve, tell } from './remote.mjs';

const CONNECTING_AT_ONCE = 25;

/**
 * @typedef {object} CrowdOrder
 * @property {{system: string, dialect: string, port: number}} peer
 * @property {number} seed
 * @property {number} messageBytes
 * @property {string[]} paths of each publisher
 * @property {{index: number, publishers: number[]}[]} members and whom each is to hear
 */

/** What a crowd says of its clients, beside the verdict. @typedef {Awaited<ReturnType<Calls['judge']>>} CrowdFigures */

class Calls {
  #busyFrom = performance.eventLoopUtilization();
  #cpuFrom = process.cpuUsage();

  /** @param {CrowdOrder} order */
  constructor(order) {
    const messages = new Messages(order.seed, order.messageBytes);
    this.order = order;
    this.members = order.members.map(({ publishers }) => {
      const pathOf = new Map(publishers.map((p) => [p, order.paths[p]]));
      const onAsk = (id, paths) => tell({ id, paths });
      return new Member({ peer: order.peer, messages, pathOf, onAsk });
    });
  }

  /** Connects all, some at a time; answers when all are subscribed. */
  async open() {
    const left = [...this.members];
    const lane = async () => {
      for (let member = left.pop(); member !== undefined; member = left.pop()) {
        member.client.connect();
        await member.opened;
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, lane));
  }

  /** Begins to count what this process uses. */
  measure() {
    this.#busyFrom = performance.eventLoopUtilization();
    this.#cpuFrom = process.cpuUsage();
  }

  /** Every client is gone for `offMs` in every `everyMs`, each at times of its own. */
  outages(outages) {
    this.members.forEach((member, i) => {
      const timesMs = outageTimes(this.order.members[i].index, outages);
      member.suffer({ timesMs, offMs: outages.offMs });
    });
  }

  pause() {
    for (const { client } of this.members) client.pause();
  }

  resume() {
    for (const { client } of this.members) client.resume();
  }

  /** How many are subscribed, and how many of these have heard up to the last numbers. */
  status({ lastOf }) {
    const ready = this.members.filter(({ client }) => client.isReady);
    return { ready: ready.length, reached: ready.filter(({ hearing }) => hearing.hasReached(lastOf)).length };
  }

  /** @param {{published: import('./judge.mjs').Published[], sinceMs: number}} call with the time from which coming back counts */
  judge({ published, sinceMs }) {
    const verdict = new Verdict();
    for (const member of this.members) member.judge(verdict, published);
    const used = process.cpuUsage(this.#cpuFrom);
    return {
      verdict: verdict.toJSON(),
      lost: this.members.filter(({ client }) => !client.isReady).length,
      newSessions: this.members.flatMap(({ sessions }) => sessions.filter((at) => at > sinceMs)).length,
      backAfterMs: this.members.flatMap(({ client }) => {
        const span = client.spans.find(({ from }) => from > sinceMs);
        return span === undefined ? [] : [span.from - sinceMs];
      }),
      endings: countAll(this.members.map(({ client }) => Object.fromEntries(client.endings))),
      oddities: this.members.reduce((sum, { oddities }) => sum + oddities.count, 0),
      firstOddities: this.members.flatMap(({ oddities }) => oddities.first).slice(0, 3),
      busy: performance.eventLoopUtilization(this.#busyFrom).utilization,
      cpu: (used.user + used.system) / 1e6,
    };
  }
}

serve((order) => new Calls(order));
