/**
 * The way an update takes: stored by the broker, then told to every delegate of the registry, the dispatcher first. An
 * update that a receiver publishes while it is being told of another waits its turn, so that everybody hears
 * both in the same order.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Counters } from '../data/counters.js';
import type { Broker } from '../log/broker.js';
import type { Draft, Update } from '../log/update.js';
import type { Flusher } from '../wire/flusher.js';
import type { Registry } from './registry.js';

/** What a publisher stands on. */
export interface PublisherParts {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly counters: Counters;
  readonly flusher: Flusher;
}

/** Publishes updates. */
export class Publisher {
  readonly #broker: Broker;
  readonly #registry: Registry;
  readonly #counters: Counters;
  readonly #queue: Update[] = [];
  #isDelivering = false;
  #isStopped = false;
  readonly #flusher: Flusher;

  constructor({ broker, registry, counters, flusher }: PublisherParts) {
    this.#broker = broker;
    this.#registry = registry;
    this.#counters = counters;
    this.#flusher = flusher;
    broker.start((update) => this.#deliver(update));
  }

  /** Publishes one update. An error, like what the broker throws, means that nothing was stored. */
  publish(draft: Draft): Outcome<Update> | Promise<Outcome<Update>> {
    return this.#isStopped ? { error: errorBody('restarting') } : this.#broker.publish(draft);
  }

  /** Why one of these updates would be refused now, or null. */
  fault(drafts: readonly Draft[]): ErrorBody | null | Promise<ErrorBody | null> {
    return this.#isStopped ? errorBody('restarting') : this.#broker.fault(drafts);
  }

  /** Nothing is published any more. */
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
