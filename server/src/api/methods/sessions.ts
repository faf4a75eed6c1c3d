/** `sessions`: who is there. */
import { z } from 'zod';
import { defineMethod } from '../method.js';
import { pageOf } from '../paging.js';
import { page, sessionId } from '../schemas.js';

/** Lists sessions. */
export const sessions = defineMethod({
  name: 'sessions',
  scope: { names: 'nothing' },
  summary: 'Lists sessions, in the order of their ids.',
  body: z.strictObject(page),
  reply: z.strictObject({
    sessions: z.array(
      z.strictObject({
        id: sessionId,
        user: z.string().nullable(),
        transport: z.string().nullable().meta({ description: 'Null between connections.' }),
        address: z.string().nullable(),
        subscriptions: z.int(),
        openedAt: z.int().meta({ description: 'Milliseconds since 1970.' }),
        lastContactAt: z.int().meta({ description: 'Milliseconds since 1970.' }),
        lastCommandAt: z.int().nullable().meta({ description: 'Null before the first.' }),
      }),
    ),
    next: z.string().nullable(),
  }),
  run(body, context) {
    const { items, next } = pageOf(context.sessions.all, body);
    return {
      sessions: items.map(([id, session]) => ({
        id,
        user: session.user,
        transport: session.connection?.carrier.transport ?? null,
        address: session.connection?.carrier.address ?? null,
        subscriptions: session.paths.subscriptions.size,
        openedAt: session.openedAt,
        lastContactAt: session.lastContactAt,
        lastCommandAt: session.lastCommandAt,
      })),
      next,
    };
  },
});
