/**
 * The load generator of commands, a process of its own. Each client has `outstanding` commands without an answer at all times; or, with
 * `everyMs`, asks by the clock and one at a time, while `sleepers` commands of the first client are asleep. Where the answer before is
 * still awaited when a command is due, its time counts from when it was due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ASKING, Caller } from './caller.mjs';
import { Fault, within } from './fault.mjs';
import { Messages } from './message.mjs';
import { serve } from './remote.mjs';
import { Samples } from './samples.mjs';
import { Subscribers } from './subscribers.mjs';
import { nowMs, Usage } from './usage.mjs';

const PATH = 'bench/commands';
const MESSAGE_BYTES = 64;
const OPEN_MS = 60_000;
const DRAIN_MS = 20_000;
const NAP_EVERY_MS = 10;
const NAPS = 3;
/** After the last answer: what comes now was doubled. */
const QUIET_MS = 200;
/** How much longer sleepers sleep than the window lasts. */
const SPARE_MS = 2_000;

/**
 * @typedef {object} CommandsOrder
 * @property {number} port @property {number[]} pids @property {number[]} backEndPids @property {string} dialect
 * @property {number} clients
 * @property {number} outstanding
 * @property {number | null} everyMs between two commands of a client
 * @property {number} sleepers
 * @property {number} warmMs @property {number} measuredMs @property {number} seed
 */

class Driver {
  #order;
  #messages;
  #connections;
  /** @type {Caller[]} */
  #callers = [];
  /** Of the first client, and of all others. */
  #samples = [new Samples(), new Samples()];
  /** Of each client, when those were due that wait until the one before is answered. @type {number[][]} */
  #waiting;
  #untilMs = 0;
  /** Whether each answer brings the next command. */
  #isClosedLoop = true;
  #asleep = 0;
  #latestMs = 0;
  #lastMs = 0;

  /** @param {CommandsOrder} order */
  constructor(order) {
    const { port, dialect, clients, seed } = order;
    this.#order = order;
    this.#messages = new Messages(seed, MESSAGE_BYTES);
    this.#waiting = Array.from({ length: clients }, () => []);
    const onReply = (caller, command, atMs) => this.#answered(caller, command, atMs);
    this.#connections = new Subscribers({
      ...{ port, dialect, path: PATH, count: clients },
      readerOf: (conversation) => {
        this.#callers[conversation.index] = new Caller(conversation, ASKING[dialect], onReply);
        return this.#callers[conversation.index];
      },
    });
  }

  /** Measures: `own` are times of the first client, `samples` those of all others, `latestMs` how late the clock was at worst. */
  async run() {
    const { warmMs, measuredMs, everyMs, pids, backEndPids, clients } = this.#order;
    const missing = () => `only ${this.#connections.ready} of ${clients} were ready`;
    await within(this.#connections.open(), OPEN_MS, missing);
    await this.#warmUp(warmMs);
    this.#samples = [new Samples(), new Samples()];
    if (everyMs !== null) await this.#putToSleep(measuredMs + 2 * QUIET_MS + SPARE_MS);
    const usage = new Usage(pids, backEndPids);
    const startMs = nowMs();
    let used;
    if (everyMs === null) {
      await this.#phase(measuredMs);
      used = usage.end();
      await sleep(QUIET_MS);
    } else {
      await this.#byTheClock(startMs, measuredMs);
      used = usage.end();
      await this.#drain();
    }
    this.#connections.close();
    const [own, samples] = this.#samples.map((each) => each.toJSON());
    const count = this.#samples.reduce((sum, each) => sum + each.count, 0);
    return { ...used, count, deliverMs: this.#lastMs - startMs, own, samples, latestMs: this.#latestMs };
  }

  /** All ask as fast as they are answered. Before sleepers some sleep a little: code that never saw one is compiled anew when one comes. */
  async #warmUp(ms) {
    const naps = setInterval(() => {
      if (this.#order.everyMs !== null) this.#askToSleep(NAPS, 1);
    }, NAP_EVERY_MS);
    await this.#phase(ms, () => clearInterval(naps));
    await sleep(QUIET_MS);
  }

  /** Asks for `ms`, and waits until all of it is answered. */
  async #phase(ms, atEnd = () => undefined) {
    this.#untilMs = nowMs() + ms;
    for (const caller of this.#callers) {
      for (let i = 0; i < this.#order.outstanding; i++) this.#ask(caller);
      caller.flush();
    }
    await sleep(ms);
    atEnd();
    await this.#drain();
  }

  async #putToSleep(ms) {
    this.#isClosedLoop = false;
    this.#askToSleep(this.#order.sleepers, ms);
    await sleep(QUIET_MS);
  }

  #askToSleep(count, ms) {
    const [first] = this.#callers;
    for (let i = 0; i < count; i++, this.#asleep++)
      first.ask('sleep', `{"ms":${ms},${this.#messages.text(first.index, first.asked).slice(1)}`);
    first.flush();
  }

  async #byTheClock(startMs, ms) {
    const { everyMs, clients, sleepers } = this.#order;
    this.#untilMs = startMs + ms;
    for (const caller of this.#callers)
      this.#later(caller, startMs + ((caller.index + 1) * everyMs) / clients);
    await sleep(ms + QUIET_MS);
    if (this.#asleep !== sleepers)
      throw new Fault('protocol', `of ${sleepers} sleepers ${this.#asleep} slept to the end`);
  }

  #later(caller, dueMs) {
    if (dueMs >= this.#untilMs) return;
    setTimeout(() => {
      const waiting = this.#waiting[caller.index];
      waiting.push(dueMs);
      if (caller.open === (caller.index === 0 ? this.#asleep : 0)) {
        this.#latestMs = Math.max(this.#latestMs, nowMs() - dueMs);
        waiting.length = 0;
        this.#ask(caller);
        caller.flush();
      }
      this.#later(caller, dueMs + this.#order.everyMs);
    }, dueMs - nowMs());
  }

  #answered(caller, { name, sinceMs }, atMs) {
    this.#lastMs = atMs;
    if (name === 'sleep') {
      this.#asleep--;
      return;
    }
    this.#samples[caller.index === 0 ? 0 : 1].add(atMs - sinceMs);
    const dueMs = this.#waiting[caller.index].shift();
    // A timer may be up to a millisecond early.
    if (dueMs !== undefined) this.#ask(caller, Math.min(dueMs, nowMs()));
    else if (this.#isClosedLoop && atMs < this.#untilMs) this.#ask(caller);
  }

  /** Asks, when the chunk is read that brought it to, or at the next `flush`. */
  #ask(caller, sinceMs) {
    caller.ask('echo', this.#messages.text(caller.index, caller.asked), sinceMs);
  }

  /** Waits until every command has its answer. */
  async #drain() {
    for (const untilMs = nowMs() + DRAIN_MS; this.#callers.some(({ open }) => open > 0); await sleep(2))
      if (nowMs() > untilMs) for (const caller of this.#callers) caller.expectNone();
  }
}

serve((order) => new Driver(order));
