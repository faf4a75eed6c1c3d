/** Warns of path policies whose logs make gaps likelier than outboxes do. */
import type { Config } from './config/config.js';
import type { OutboxBounds } from './core/wire/outbox.js';
import type { Log } from './observe/log.js';

/** What a slow reader misses is read from the log: one that holds less than an outbox means gaps sooner. */
export function warnOfSmallLogs(paths: Config['paths'], outbox: OutboxBounds, warnings: Log): void {
  for (const { pattern, log } of paths) {
    if (log === false || (log.maxUpdates >= outbox.maxFrames && log.maxBytes >= outbox.maxBytes)) continue;
    warnings.warn(
      { pattern },
      'a log is smaller than the outbox of a connection: slow readers get gaps sooner',
    );
  }
}
