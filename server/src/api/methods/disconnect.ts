/** `disconnect`: takes paths away from a session. */
import { z } from 'zod';
import { RequestFault } from '../../http-errors.js';
import { defineMethod } from '../method.js';
import { itemError, path, paths, sessionId, user } from '../schemas.js';

/** Takes paths from a session. */
export const disconnect = defineMethod({
  name: 'disconnect',
  scope: { names: 'each', field: 'paths' },
  summary: 'Ends subscriptions and grants of a session, and denies the paths to it until the next connect.',
  body: z.strictObject({
    id: sessionId,
    paths,
    user: user.meta({
      description:
        'A session that is bound to another user is left alone. Null: only a session without a user.',
    }),
  }),
  reply: z.strictObject({
    results: z.array(
      z.union([
        z.strictObject({ path, wasSubscribed: z.boolean() }),
        z.strictObject({ path, error: itemError }),
      ]),
    ),
  }),
  async run({ id, paths: unwanted, user: named }, { sessions }) {
    const outcome = await sessions.disconnect(id, unwanted, named);
    if ('error' in outcome) throw new RequestFault(outcome.error);
    return { results: outcome.value };
  },
});
