/** `info`: the server itself and what it has counted. */
import { z } from 'zod';
import { engineInfo } from '../../core/engine.js';
import { defineMethod } from '../method.js';

const count = z.int().min(0);

/** Tells of the server itself. */
export const info = defineMethod({
  name: 'info',
  scope: { names: 'nothing' },
  summary: 'Tells the version, the uptime and the counters since the start.',
  body: z.strictObject({}),
  reply: z.strictObject({
    version: z.string(),
    uptimeMs: count,
    sessions: count,
    connections: count,
    paths: count,
    subscriptions: count,
    pending: count,
    updates: count,
    deliveries: count,
    gaps: count,
    gapsBy: z.strictObject({ evicted: count, restarted: count, slow: count, no_log: count }),
    slow: count,
    skipped: count,
    opened: count,
    resumed: count,
    delayed: count,
    commands: count,
    tooManyCommands: count,
  }),
  run(_body, context) {
    const { version, startedAt, now } = context.about();
    return { version, uptimeMs: now - startedAt, ...engineInfo(context) };
  },
});
