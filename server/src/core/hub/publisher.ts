/**
 * Publishes updates: the broker stores them, then the registry delivers them. An update published during a delivery is
 * queued, so all receivers hear one order.
 */
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Counters } from '../data/counters.js';
import { isPromise, type MaybePromise } from '../data/maybe-promise.js';
import type { Broker, Published } from '../log/broker.js';
import type { Draft, Update } from '../log/update.js';
import type { Flusher } from '../wire/flusher.js';
import type { Registry } from './registry.js';

/** Options of `Publisher`. */
export interface PublisherOptions {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly counters: Counters;
  readonly flusher: Flusher;
  /** Called with an error of the broker, after several tries. */
  readonly onStoreFault: (error: unknown) => void;
}

export class Publisher {
  readonly #broker: Broker;
  readonly #registry: Registry;
  readonly #counters: Counters;
  readonly #queue: Update[] = [];
  #isDelivering = false;
  #isStopped = false;
  readonly #flusher: Flusher;
  readonly #onStoreFault: (error: unknown) => void;

  constructor({ broker, registry, counters, flusher, onStoreFault }: PublisherOptions) {
    this.#broker = broker;
    this.#registry = registry;
    this.#counters = counters;
    this.#flusher = flusher;
    this.#onStoreFault = onStoreFault;
    broker.start((update) => this.#deliver(update));
  }

  /** Publishes one update; see `publishAll`. */
  publish(draft: Draft): MaybePromise<Outcome<Published>> {
    const answer = this.publishAll([draft]);
    return isPromise(answer) ? answer.then(onlyOne) : onlyOne(answer);
  }

  /**
   * Publishes updates of one path in one atomic step. With an error nothing was stored; `store_unavailable` and
   * `restarting` may be tried again.
   */
  publishAll(drafts: readonly Draft[]): MaybePromise<Outcome<readonly Published[]>> {
    if (this.#isStopped) return { error: errorBody('restarting') };
    const answer = this.#broker.publish(drafts);
    return isPromise(answer) ? answer.then(undefined, (error) => this.#failed(error)) : answer;
  }

  #failed(error: unknown): Outcome<readonly Published[]> {
    this.#onStoreFault(error);
    return { error: errorBody('store_unavailable') };
  }

  /** Refuses updates from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  #deliver(update: Update): void {
    this.#queue.push(update);
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#counters.updates++;
      this.#registry.update(next.sender, next.path, next.message, next);
    }
    this.#isDelivering = false;
    this.#flusher.flushIfIdle();
  }
}

const onlyOne = (outcome: Outcome<readonly Published[]>): Outcome<Published> =>
  'error' in outcome ? outcome : { value: outcome.value[0] as Published };
