/** What a slow reader misses is read from the log: one that holds less than an outbox means gaps sooner. */
import type { Config } from './config/config.js';
import type { OutboxBounds } from './core/outbox.js';
import type { Log } from './observe/log.js';

/** Warns of policies whose logs are smaller than the outbox of a connection. */
export function warnOfSmallLogs(policies: Config['paths'], outbox: OutboxBounds, log: Log): void {
  for (const { pattern, log: bounds } of policies) {
    if (bounds === false) continue;
    if (bounds.maxUpdates >= outbox.maxFrames && bounds.maxBytes >= outbox.maxBytes) continue;
    log.warn({ pattern }, 'a log is smaller than the outbox of a connection: slow readers get gaps sooner');
  }
}
