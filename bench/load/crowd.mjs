/** Many clients in a few processes, called as one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './fault.mjs';
import { countAll, Verdict } from './judge.mjs';
import { Remote } from './remote.mjs';
import { nowMs } from './usage.mjs';

const PROCESS = new URL('./crowd-process.mjs', import.meta.url);
const PER_PROCESS = 1000;
const CALL_MS = 90_000;
const POLL_MS = 50;

export class Crowd {
  #processes;
  #size;

  /**
   * @param {import('./crowd-process.mjs').CrowdOrder} order of all members
   * @param {{onFault: (fault: unknown) => void, onAsk: (id: string, paths: string[]) => void}} told
   */
  constructor(order, { onFault, onAsk }) {
    this.#size = order.members.length;
    // Two at least: one process of clients would have only one core.
    const per = Math.min(PER_PROCESS, Math.ceil(this.#size / 2));
    this.#processes = Array.from({ length: Math.ceil(this.#size / per) }, (_, i) => {
      const members = order.members.slice(i * per, (i + 1) * per);
      const onTold = ({ id, paths }) => onAsk(id, paths);
      return new Remote(PROCESS, { ...order, members }, { onFault, onTold });
    });
  }

  /** Calls every process and gathers the answers. @param {'guard' | 'open' | 'outages' | 'pause' | 'resume' | 'status' | 'judge'} type */
  call(type, data = {}) {
    const answers = Promise.all(this.#processes.map((each) => each.call(type, data)));
    return within(answers, CALL_MS, () => `the clients had not answered "${type}"`);
  }

  /** Waits at most `ms` until every client is subscribed, and has heard up to the last numbers if these are named. */
  async settle(ms, lastOf = new Map()) {
    for (const untilMs = nowMs() + ms; nowMs() < untilMs; await sleep(POLL_MS)) {
      const reached = await this.call('status', { lastOf });
      if (reached.reduce((sum, count) => sum + count, 0) === this.#size) return;
    }
  }

  /**
   * Judges all of them: `lost` are not subscribed, `backAfterMs` is in rising order, `busy` is the busiest process's share of its time.
   * @param {{published: import('./publishers.mjs').Published[], sinceMs: number, edges: number[]}} what
   */
  async judge(what) {
    const parts = await this.call('judge', what);
    const verdict = new Verdict();
    for (const part of parts) verdict.merge(part.verdict);
    const sum = (name) => parts.reduce((total, part) => total + part[name], 0);
    return {
      verdict,
      lost: sum('lost'),
      newSessions: sum('newSessions'),
      backAfterMs: parts.flatMap(({ backAfterMs }) => backAfterMs).toSorted((a, b) => a - b),
      endings: countAll(parts.map(({ endings }) => endings)),
      oddities: parts.flatMap(({ oddities }) => oddities).slice(0, 3),
      busy: Math.max(...parts.map(({ busy }) => busy)),
      cpu: sum('cpu'),
    };
  }

  close() {
    for (const each of this.#processes) each.close();
  }
}
