/**
 * The load generator of commands, a process of its own. Each client has `outstanding` commands without an answer at all times; beside them
 * commands of the first client may be asleep for the whole window.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Caller, PATH } from './caller.mjs';
import { openAll } from './connection.mjs';
import { Fault } from './fault.mjs';
import { Messages } from './message.mjs';
import { serve } from './remote.mjs';
import { Samples } from './samples.mjs';
import { nowMs, ownUsage } from './usage.mjs';

const MESSAGE_BYTES = 64;
const DRAIN_MS = 20_000;
/** How much longer sleepers sleep than the window lasts, so that it ends before they wake. */
const SPARE_MS = 500;
/** After the last answer: what comes now was doubled. */
const QUIET_MS = 200;

/**
 * @typedef {object} CallersOrder
 * @property {number} port @property {number[]} pids @property {string} dialect @property {number} clients @property {number} seed
 * @property {number} outstanding
 */

class Callers {
  #outstanding;
  #messages;
  /** @type {Caller[]} */
  #callers;
  #samples = new Samples();
  #untilMs = 0;
  #asleep = 0;

  /** @param {CallersOrder} order */
  constructor({ port, dialect, clients, outstanding, seed }) {
    this.#outstanding = outstanding;
    this.#messages = new Messages(seed, MESSAGE_BYTES);
    const onReply = (caller, command, atMs) => this.#answered(caller, command, atMs);
    this.#callers = Array.from(
      { length: clients },
      (_, index) => new Caller({ index, port, dialect, paths: [PATH] }, onReply),
    );
  }

  open() {
    return openAll(this.#callers);
  }

  /** Asks for `ms` while `sleepers` are asleep, and waits until all but these are answered. Answers what this process has used. */
  async window({ ms, sleepers }) {
    this.#samples = new Samples();
    const usage = ownUsage();
    const [first] = this.#callers;
    for (let i = 0; i < sleepers; i++, this.#asleep++)
      first.ask('sleep', `{"ms":${ms + SPARE_MS},${this.#messages.text(first.index, first.asked).slice(1)}`);
    this.#untilMs = nowMs() + ms;
    for (const caller of this.#callers) {
      for (let i = 0; i < this.#outstanding; i++) this.#ask(caller);
      caller.flush();
    }
    await sleep(ms);
    await this.#drain(sleepers);
    if (this.#asleep < sleepers)
      throw new Fault('protocol', `${sleepers - this.#asleep} sleepers woke before the end`);
    const { count } = this.#samples;
    return { count, samples: this.#samples.toJSON(), usage: usage(), lastMs: nowMs() };
  }

  /** Waits until the sleepers are answered too, and no answer comes twice. */
  async rest() {
    await this.#drain(0);
    await sleep(QUIET_MS);
  }

  #answered(caller, { name, sinceMs }, atMs) {
    if (name === 'sleep') {
      this.#asleep--;
      return;
    }
    this.#samples.add(atMs - sinceMs);
    if (atMs < this.#untilMs) this.#ask(caller);
  }

  #ask(caller) {
    caller.ask('echo', this.#messages.text(caller.index, caller.asked));
  }

  /** Waits until so many commands are left. */
  async #drain(left) {
    const unanswered = () => this.#callers.reduce((sum, caller) => sum + caller.unanswered, 0);
    for (const untilMs = nowMs() + DRAIN_MS; unanswered() > left; await sleep(2))
      if (nowMs() > untilMs) for (const caller of this.#callers) caller.expectNone();
  }
}

serve((order) => new Callers(order));
