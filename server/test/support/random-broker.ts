/**
 * A broker as a store on another machine would make it: the memory broker behind answers that come after a random number of turns,
 * deliveries that are delayed by themselves, tails that hold only the newest entries, and a failure of one call in fifty. Calls about
 * one path take effect in the order in which they are made. What is random follows a seed.
 */
import type { Outcome } from '../../../protocol/codes.js';
import type { Deliver, LogPage, Published, StatePage, StateRange, Tail } from '../../src/core/log/broker.js';
import { type LogBounds, type LogRange, PathLog } from '../../src/core/log/path-log.js';
import { PathState } from '../../src/core/log/path-state.js';
import { type Draft, logEntry, type Update } from '../../src/core/log/update.js';
import { MemoryBroker, type MemoryBrokerOptions } from '../../src/stores/memory/memory-broker.js';
import { SyncPromise } from './sync-promise.js';

/** How answers come: in a turn at once, or as promises of the language. */
type Promised = new <T>(
  run: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
) => PromiseLike<T>;

const MAX_TURNS = 6;
const FAILS_ONE_IN = 50;
const TAIL_ENTRIES = [2, 10, 100];
/** Where slow readers skip what is replaced, a tail shows what replaces it. */
const SKIPPED_TAIL_ENTRIES = 1_000;

interface Step {
  turns: number;
  readonly run: () => void;
}

/** Steps of one path, which happen in their order. */
class Line {
  readonly steps: Step[] = [];

  turn(): void {
    const first = this.steps[0];
    if (first === undefined || --first.turns > 0) return;
    this.steps.shift();
    first.run();
  }
}

/** Returns numbers of a seed: 0 to below 1. */
function randomOf(seed: number): () => number {
  let state = seed + 0x9e3779b9;
  return () => {
    state = Math.imul(state ^ (state >>> 15), state | 1);
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class RandomBroker extends MemoryBroker {
  readonly #promised: Promised;
  readonly #random: () => number;
  readonly #policyOf: MemoryBrokerOptions['policyOf'];
  readonly #calls = new Map<string, Line>();
  readonly #deliveries = new Map<string, Line>();
  readonly #answers = new Set<Step>();
  readonly #tails = new Map<string, Tail>();
  /** Of each path the newest join; a leave ends it. */
  readonly #joins = new Map<string, object>();
  isTurning = false;
  /** Called at the end of each turn. */
  afterTurn: () => void = () => undefined;
  #isDue = false;
  /** Calls that were made, and those that were made to fail. */
  readonly counts = { calls: 0, failures: 0 };

  constructor(options: MemoryBrokerOptions, seed: number, promised: Promised = SyncPromise) {
    super(options);
    this.#promised = promised;
    this.#random = randomOf(seed);
    this.#policyOf = options.policyOf;
  }

  override start(deliver: Deliver): void {
    super.start((update) => this.#deliverLater(update, deliver));
  }

  override publish(drafts: readonly Draft[]): Outcome<readonly Published[]> {
    return this.#call(drafts[0]?.path ?? '', () => super.publish(drafts)) as never;
  }

  override read(path: string, range: LogRange): LogPage | null {
    return this.#call(path, () => super.read(path, range)) as never;
  }

  override readState(path: string, range: StateRange): StatePage | null {
    return this.#call(path, () => super.readState(path, range)) as never;
  }

  override complete(path: string): boolean {
    return this.#call(path, () => {
      const state = this.#tails.get(path)?.state;
      if (state) state.isPartial = false;
      return super.complete(path);
    }) as never;
  }

  override join(path: string): Tail | null {
    const join = {};
    this.#joins.set(path, join);
    return this.#answered<Tail | null>((resolve, reject) => {
      this.#step(this.#calls, path, () => {
        if (this.#fails()) return this.#answerLater(() => reject(new Error('the store does not answer')));
        const stored = super.join(path);
        const tail = stored === null ? null : this.#tailOf(path, stored);
        // After all that was published before, and before all that is published from now on.
        this.#step(this.#deliveries, path, () => {
          if (this.#joins.get(path) === join && tail !== null) this.#tails.set(path, tail);
          resolve(tail);
        });
      });
    }) as never;
  }

  override leave(path: string): void {
    this.#joins.delete(path);
    this.#tails.delete(path);
    this.#step(this.#calls, path, () => {
      if (!this.#joins.has(path)) super.leave(path);
    });
  }

  /** Sessions that were restored join their inboxes first. */
  override dropInboxes(): void {
    this.settle();
    super.dropInboxes();
  }

  override stop(): void {
    super.stop();
    for (const lines of [this.#calls, this.#deliveries]) lines.clear();
    this.#answers.clear();
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#deliveries.size === 0 && this.#answers.size === 0;
  }

  /** Lets turns pass until nothing is under way. */
  settle(): void {
    if (this.isTurning) return;
    while (!this.isIdle) this.turn();
  }

  /** Lets one turn pass. */
  turn(): void {
    this.isTurning = true;
    try {
      for (const lines of [this.#calls, this.#deliveries]) {
        for (const [path, line] of [...lines]) {
          line.turn();
          if (line.steps.length === 0 && lines.get(path) === line) lines.delete(path);
        }
      }
      for (const step of [...this.#answers]) {
        if (--step.turns > 0) continue;
        this.#answers.delete(step);
        step.run();
      }
      this.afterTurn();
    } finally {
      this.isTurning = false;
    }
  }

  #call<T>(path: string, run: () => T): PromiseLike<T> {
    return this.#answered<T>((resolve, reject) => {
      this.#step(this.#calls, path, () => {
        if (this.#fails()) return this.#answerLater(() => reject(new Error('the store does not answer')));
        const answer = run();
        this.#answerLater(() => resolve(answer));
      });
    });
  }

  #answered<T>(run: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): PromiseLike<T> {
    this.counts.calls++;
    return new this.#promised<T>(run);
  }

  #fails(): boolean {
    if (this.#random() * FAILS_ONE_IN >= 1) return false;
    this.counts.failures++;
    return true;
  }

  #answerLater(run: () => void): void {
    this.#answers.add({ turns: this.#turns(), run });
    this.#goOn();
  }

  #step(lines: Map<string, Line>, path: string, run: () => void): void {
    const line = lines.get(path) ?? new Line();
    lines.set(path, line);
    line.steps.push({ turns: this.#turns(), run });
    this.#goOn();
  }

  /** Turns of the event loop, for whoever awaits answers. */
  #goOn(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.turn();
      if (!this.isIdle) this.#goOn();
    });
  }

  #turns(): number {
    return 1 + Math.floor(this.#random() * MAX_TURNS);
  }

  #deliverLater(update: Update, deliver: Deliver): void {
    this.#step(this.#deliveries, update.path, () => {
      const tail = this.#tails.get(update.path);
      if (tail !== undefined && update.position?.offset === tail.log.nextOffset) addTo(tail, update);
      deliver(update);
    });
  }

  #tailOf(path: string, stored: Tail): Tail {
    const { log: bounds, state, slow } = this.#policyOf(path);
    const of = TAIL_ENTRIES[Math.floor(this.#random() * TAIL_ENTRIES.length)] as number;
    const maxUpdates = Math.min(slow === 'latest' ? SKIPPED_TAIL_ENTRIES : of, bounds?.maxUpdates ?? 0);
    const log = new PathLog(stored.log.epoch, { ...(bounds as LogBounds), maxUpdates }, slow === 'latest');
    log.restore(stored.log.head.offset, stored.log.entries.slice(-maxUpdates));
    const copy = state === null ? null : new PathState(state);
    copy?.restore([...(stored.state?.entries.values() ?? [])]);
    if (copy !== null && stored.state?.isPartial) copy.isPartial = true;
    return { log, state: copy };
  }
}

/** Adds a delivered update to a tail. */
export function addTo({ log, state }: Tail, update: Update): void {
  const { key, position, sender, except } = update;
  const offset = position?.offset ?? 0;
  const text = JSON.stringify(update.message);
  const draft: Draft = { path: update.path, key, message: update.message, text, sender, except };
  log.append(logEntry(draft, offset, 0));
  if (key !== null) state?.apply({ key, text }, offset);
}
