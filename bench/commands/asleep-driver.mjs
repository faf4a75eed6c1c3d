/**
 * A load generator, a process of its own (../load/obey.mjs): clients that each ask by the clock, one command at a time, while some commands of
 * the first one are asleep. Where the answer before is still awaited when a command is due, its time counts from when it was due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../load/clock.mjs';
import { Fault } from '../load/fault.mjs';
import { Samples } from '../load/latency.mjs';
import { Messages } from '../load/message.mjs';
import { obey } from '../load/obey.mjs';
import { Callers } from './callers.mjs';
import { beginUsage } from './usage.mjs';

const DRAIN_MS = 20_000;
const NAP_EVERY_MS = 10;
const NAPS = 3;
/** After those that are to sleep were asked, and after the last answer. */
const QUIET_MS = 200;
/** How much longer they sleep than the window lasts. */
const SPARE_MS = 2_000;

/**
 * @typedef {object} AsleepOrder
 * @property {number} port @property {number[]} pids @property {number[]} backEndPids @property {string} dialect
 * @property {number} clients
 * @property {number} everyMs between two commands of a client
 * @property {number} sleepers commands of the first one that are asleep
 * @property {number} warmMs @property {number} measuredMs
 * @property {number} seed @property {number} messageBytes
 */

/**
 * One window: `own` are the times of the session of the sleepers, `others` those of all other sessions.
 * @typedef {ReturnType<ReturnType<typeof beginUsage>> & {deliverMs: number, own: [number, number][], others: [number, number][], latestMs: number}} AsleepResult
 * `latestMs` is how late the generator was at worst.
 */

/** A client's commands by the clock. */
class Lane {
  caller;
  samples = new Samples();
  /** When those were due that wait until the one before is answered. @type {number[]} */
  waiting = [];

  /** @param {import('./caller.mjs').Caller} caller */
  constructor(caller) {
    this.caller = caller;
  }
}

class AsleepDriver {
  #order;
  #messages;
  #callers;
  /** @type {Map<import('./caller.mjs').Caller, Lane>} */
  #lanes = new Map();
  #untilMs = 0;
  #isWarm = false;
  #asleep = 0;
  #latestMs = 0;

  /** @param {AsleepOrder} order */
  constructor(order) {
    this.#order = order;
    this.#messages = new Messages(order.seed, order.messageBytes);
    this.#callers = new Callers(order, (caller, command, atMs) => this.#answered(caller, command, atMs));
  }

  /** @returns {Promise<AsleepResult>} */
  async run() {
    const { warmMs, measuredMs, everyMs, clients } = this.#order;
    await this.#callers.open();
    this.#lanes = new Map(this.#callers.all.map((caller) => [caller, new Lane(caller)]));
    await this.#warm(warmMs);
    this.#putToSleep(measuredMs + 2 * QUIET_MS + SPARE_MS);
    await this.#callers.during(sleep(QUIET_MS));
    const end = beginUsage(this.#order);
    const startMs = nowMs();
    this.#untilMs = startMs + measuredMs;
    for (const lane of this.#lanes.values())
      this.#later(lane, startMs + ((lane.caller.index + 1) * everyMs) / clients);
    await this.#callers.during(sleep(measuredMs + QUIET_MS));
    const usage = end();
    if (this.#asleep !== this.#order.sleepers)
      throw new Fault('protocol', `of ${this.#order.sleepers} sleepers ${this.#asleep} slept to the end`);
    await this.#callers.drain(DRAIN_MS);
    this.#callers.close();
    return { ...usage, ...this.#times(), deliverMs: usage.elapsedMs, latestMs: this.#latestMs };
  }

  /** All ask as fast as they are answered, so that code is compiled. */
  async #warm(ms) {
    this.#untilMs = nowMs() + ms;
    for (const lane of this.#lanes.values()) this.#ask(lane);
    const naps = setInterval(() => this.#nap(), NAP_EVERY_MS);
    await this.#callers.during(sleep(ms)).finally(() => clearInterval(naps));
    await this.#callers.drain(DRAIN_MS);
    await this.#callers.during(sleep(QUIET_MS));
    for (const lane of this.#lanes.values()) lane.samples = new Samples();
    this.#isWarm = true;
  }

  /** Both kinds of run are warmed with commands that sleep a little: code that never saw one is compiled anew when the first one comes. */
  #nap() {
    const [first] = this.#callers.all;
    for (let i = 0; i < NAPS; i++, this.#asleep++)
      first.ask('sleep', `{"ms":1,${this.#text(first).slice(1)}`);
    first.flush();
  }

  #putToSleep(ms) {
    const [first] = this.#callers.all;
    for (; this.#asleep < this.#order.sleepers; this.#asleep++)
      first.ask('sleep', `{"ms":${ms},${this.#text(first).slice(1)}`);
    first.flush();
  }

  #later(lane, dueMs) {
    if (dueMs >= this.#untilMs) return;
    setTimeout(() => {
      lane.waiting.push(dueMs);
      if (lane.waiting.length === 1 && this.#isFree(lane)) {
        this.#latestMs = Math.max(this.#latestMs, nowMs() - dueMs);
        lane.waiting.shift();
        this.#ask(lane);
      }
      this.#later(lane, dueMs + this.#order.everyMs);
    }, dueMs - nowMs());
  }

  #isFree({ caller }) {
    return caller.open - (caller.index === 0 ? this.#asleep : 0) === 0;
  }

  #answered(caller, { name, sinceMs }, atMs) {
    if (name === 'sleep') {
      this.#asleep--;
      return;
    }
    const lane = /** @type {Lane} */ (this.#lanes.get(caller));
    lane.samples.add(atMs - sinceMs);
    const dueMs = lane.waiting.shift();
    // A timer may be up to a millisecond early.
    if (dueMs !== undefined) this.#ask(lane, Math.min(dueMs, nowMs()));
    else if (!this.#isWarm && atMs < this.#untilMs) this.#ask(lane);
  }

  #ask(lane, sinceMs) {
    lane.caller.ask('echo', this.#text(lane.caller), sinceMs);
    lane.caller.flush();
  }

  #text({ index, asked }) {
    return this.#messages.text(index, asked);
  }

  #times() {
    const [own, ...rest] = [...this.#lanes.values()].map(({ samples }) => samples.toJSON());
    return { own, others: Samples.of(rest.map((samples) => ({ samples }))).toJSON() };
  }
}

obey((order) => new AsleepDriver(/** @type {AsleepOrder} */ (order)).run());
