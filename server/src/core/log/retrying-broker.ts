/** Repeats each rejected call of a broker at once, a few times, so that a single failure of a store is not noticed. */
import type { Outcome } from '../../../../protocol/codes.js';
import { type MaybePromise, withRetries } from '../data/maybe-promise.js';
import type { Broker, Deliver, LogPage, Published, StatePage, StateRange, Tail } from './broker.js';
import type { LogRange } from './path-log.js';
import type { PathPolicy } from './path-policy.js';
import type { Draft } from './update.js';

const TRIES = 4;

export class RetryingBroker implements Broker {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  start(deliver: Deliver): void {
    this.#broker.start(deliver);
  }

  publish(drafts: readonly Draft[]): MaybePromise<Outcome<readonly Published[]>> {
    return withRetries(() => this.#broker.publish(drafts), TRIES);
  }

  join(path: string): MaybePromise<Tail | null> {
    // The dispatcher repeats it as long as the path is in use.
    return this.#broker.join(path);
  }

  leave(path: string): void {
    this.#broker.leave(path);
  }

  read(path: string, range: LogRange): MaybePromise<LogPage | null> {
    return withRetries(() => this.#broker.read(path, range), TRIES);
  }

  readState(path: string, range: StateRange): MaybePromise<StatePage | null> {
    return withRetries(() => this.#broker.readState(path, range), TRIES);
  }

  complete(path: string): MaybePromise<boolean> {
    return withRetries(() => this.#broker.complete(path), TRIES);
  }

  policyOf(path: string): PathPolicy {
    return this.#broker.policyOf(path);
  }

  stop(): void {
    this.#broker.stop();
  }
}
