/** Many clients in a few processes, called as one. */
import { fileURLToPath } from 'node:url';
import { nowMs } from './clock.mjs';
import { countAll } from './counts.mjs';
import { Failure } from './failure.mjs';
import { within } from './fault.mjs';
import { Verdict } from './judge.mjs';
import { Remote } from './remote.mjs';

const PROCESS = fileURLToPath(new URL('./crowd-process.mjs', import.meta.url));
const OPEN_MS = 90_000;
const CALL_MS = 60_000;
const POLL_MS = 50;

/**
 * What a whole crowd says at the end.
 * @typedef {Omit<import('./crowd-process.mjs').CrowdFigures, 'verdict'> & {verdict: Verdict}} Outcome
 * `lost` are not subscribed; `backAfterMs` in rising order; `busy` is the busiest process's share of its time.
 */

export class Crowd {
  #processes;
  #failure = new Failure();

  /**
   * @param {import('./crowd-process.mjs').CrowdOrder} order of all members
   * @param {{perProcess: number, onAsk?: (id: string, paths: string[]) => void}} options
   */
  constructor(order, { perProcess, onAsk }) {
    this.size = order.members.length;
    this.#processes = Array.from({ length: Math.ceil(this.size / perProcess) }, (_, i) => {
      const members = order.members.slice(i * perProcess, (i + 1) * perProcess);
      const onTold = ({ id, paths }) => onAsk?.(id, paths);
      return new Remote(PROCESS, { ...order, members }, { onFault: (fault) => this.fail(fault), onTold });
    });
  }

  /** Ends the run with a fault. @param {unknown} fault */
  fail(fault) {
    this.#failure.fail(fault);
  }

  /** Connects all of them. */
  async open() {
    await this.call('open', {}, OPEN_MS);
  }

  /**
   * Calls every process and gathers the answers.
   * @param {'guard' | 'open' | 'measure' | 'outages' | 'pause' | 'resume' | 'status' | 'judge'} type
   * @param {object} [data]
   * @param {number} [deadlineMs]
   */
  call(type, data = {}, deadlineMs = CALL_MS) {
    const answers = Promise.all(this.#processes.map((each) => each.call(type, data)));
    return this.during(within(answers, deadlineMs, () => `the clients had not answered "${type}"`));
  }

  /** Rejects when a process of clients fails; otherwise waits for `promise`. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  during(promise) {
    return this.#failure.during(promise);
  }

  /**
   * Waits until every client is subscribed, and has heard up to the last numbers if these are named; at most `deadlineMs`.
   * @returns {Promise<boolean>} whether that came about
   */
  async settle(deadlineMs, lastOf = new Map()) {
    const untilMs = nowMs() + deadlineMs;
    while (nowMs() < untilMs) {
      const answers = await this.call('status', { lastOf });
      if (answers.reduce((sum, { reached }) => sum + reached, 0) === this.size) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  /**
   * What became of all of them.
   * @param {import('./judge.mjs').Published[]} published by number of the publisher
   * @param {number} [sinceMs] from when coming back counts
   * @returns {Promise<Outcome>}
   */
  async judge(published, sinceMs = 0) {
    const parts = await this.call('judge', { published, sinceMs });
    const verdict = new Verdict();
    for (const part of parts) verdict.merge(part.verdict);
    const sum = (name) => parts.reduce((total, part) => total + part[name], 0);
    return {
      verdict,
      lost: sum('lost'),
      newSessions: sum('newSessions'),
      backAfterMs: parts.flatMap(({ backAfterMs }) => backAfterMs).toSorted((a, b) => a - b),
      endings: countAll(parts.map(({ endings }) => endings)),
      oddities: sum('oddities'),
      firstOddities: parts.flatMap(({ firstOddities }) => firstOddities).slice(0, 3),
      busy: Math.max(...parts.map(({ busy }) => busy)),
      cpu: sum('cpu'),
    };
  }

  close() {
    for (const each of this.#processes) each.close();
  }
}
