/** A broker whose answers and deliveries a test holds back, with tails of one entry: a store elsewhere, slow or down at will. */

import type { Outcome } from '../../../protocol/codes.js';
import type { Deliver, LogPage, Published, Tail } from '../../src/core/log/broker.js';
import { type LogRange, PathLog } from '../../src/core/log/path-log.js';
import { PathState } from '../../src/core/log/path-state.js';
import type { Draft } from '../../src/core/log/update.js';
import { MemoryBroker } from '../../src/stores/memory/memory-broker.js';
import { addTo } from './random-broker.js';
import { LOG, STATE } from './world.js';

type Kind = 'publish' | 'join' | 'read';

export class HeldBroker extends MemoryBroker {
  /** What is answered only by `release`, or rejected. */
  readonly held = new Set<Kind | 'deliver'>();
  readonly failing = new Set<Kind>();
  /** Calls that were made, as `join path`. */
  readonly calls: string[] = [];
  readonly #waiting: { readonly kind: string; readonly go: () => void }[] = [];
  readonly #tails = new Map<string, Tail>();

  /** Answers all calls of a kind that were held, and holds no more. */
  release(kind: Kind | 'deliver'): void {
    this.held.delete(kind);
    const due = this.#waiting.filter((each) => each.kind === kind);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((each) => each.kind !== kind));
    for (const { go } of due) go();
  }

  override start(deliver: Deliver): void {
    super.start((update) => {
      const go = (): void => {
        const tail = this.#tails.get(update.path);
        if (tail !== undefined && update.position?.offset === tail.log.nextOffset) addTo(tail, update);
        deliver(update);
      };
      if (this.held.has('deliver')) this.#waiting.push({ kind: 'deliver', go });
      else go();
    });
  }

  override publish(drafts: readonly Draft[]): Outcome<readonly Published[]> {
    return this.#later('publish', drafts[0]?.path ?? '', () => super.publish(drafts)) as never;
  }

  override read(path: string, range: LogRange): LogPage | null {
    return this.#later('read', path, () => super.read(path, range)) as never;
  }

  override join(path: string): Tail | null {
    return this.#later('join', path, () => {
      const stored = super.join(path);
      if (stored === null) return null;
      const log = new PathLog(stored.log.epoch, { ...LOG, maxUpdates: 1 });
      log.restore(stored.log.head.offset, stored.log.entries.slice(-1));
      const state = new PathState(STATE);
      state.restore([...(stored.state?.entries.values() ?? [])]);
      this.#tails.set(path, { log, state });
      return { log, state };
    }) as never;
  }

  #later<T>(kind: Kind, path: string, run: () => T): T | Promise<T> {
    this.calls.push(`${kind} ${path}`);
    if (this.failing.has(kind)) return Promise.reject(new Error('the store is down'));
    if (!this.held.has(kind)) return kind === 'publish' ? run() : Promise.resolve(run());
    return new Promise((resolve) => this.#waiting.push({ kind, go: () => resolve(run()) }));
  }
}
