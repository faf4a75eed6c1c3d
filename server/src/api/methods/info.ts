/** `info`: the server itself and what it has counted. */
import { z } from 'zod';
import { defineMethod } from '../method.js';

const count = z.int().min(0);

export const info = defineMethod({
  name: 'info',
  summary: 'Tells the version, the uptime and the counters since the start.',
  body: z.strictObject({}),
  reply: z.strictObject({
    version: z.string(),
    uptimeMs: count,
    sessions: count,
    connections: count,
    paths: count,
    subscriptions: count,
    updates: count,
    deliveries: count,
    gaps: count,
    slow: count,
    opened: count,
    resumed: count,
  }),
  run(_body, { about, counters, sessions, dispatcher }) {
    const { version, startedAt, now } = about();
    return {
      version,
      uptimeMs: now - startedAt,
      sessions: sessions.all.size,
      connections: sessions.connections,
      paths: dispatcher.paths.size,
      ...counters,
    };
  },
});
