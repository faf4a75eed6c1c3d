/** Repeats each rejected call of a broker at once, a few times, so that a single failure of a store is not noticed. */
import { withRetries } from '../data/maybe-promise.js';
import type { Broker } from './broker.js';

const TRIES = 4;

/** Returns `broker` with calls that are repeated at once, up to four times in all; `join` is not. */
export function retrying(broker: Broker): Broker {
  return {
    start: (deliver) => broker.start(deliver),
    publish: (drafts) => withRetries(() => broker.publish(drafts), TRIES),
    // The dispatcher repeats it as long as the path is in use.
    join: (path) => broker.join(path),
    leave: (path) => broker.leave(path),
    read: (path, range) => withRetries(() => broker.read(path, range), TRIES),
    readState: (path, range) => withRetries(() => broker.readState(path, range), TRIES),
    complete: (path) => withRetries(() => broker.complete(path), TRIES),
    policyOf: (path) => broker.policyOf(path),
    stop: () => broker.stop(),
  };
}
