/** Warns about path policies whose logs are smaller than an outbox, so that slow readers get gaps sooner. */
import type { Config } from './config/config.js';
import type { OutboxBounds } from './core/wire/outbox.js';
import type { Log } from './observe/log.js';

/** Logs one warning for each policy whose log holds fewer updates or bytes than an outbox. */
export function warnOfLogsBelowOutbox(paths: Config['paths'], outbox: OutboxBounds, warnings: Log): void {
  for (const { pattern, log } of paths) {
    if (log === false || (log.maxUpdates >= outbox.maxFrames && log.maxBytes >= outbox.maxBytes)) continue;
    const message = 'the log of a path is smaller than an outbox: slow readers get gaps sooner';
    warnings.warn({ pattern, log, outbox }, message);
  }
}
