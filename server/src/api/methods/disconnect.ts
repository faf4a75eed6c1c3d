/** `disconnect`: takes paths away from a session, or from all sessions of a user. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { fault } from '../../http/http-errors.js';
import { defineMethod } from '../method.js';
import { itemError, path, paths, sessionId, user } from '../schemas.js';

const pattern = z.string().meta({ description: 'A path, or a pattern of paths.' });

/** Takes paths away. */
export const disconnect = defineMethod({
  name: 'disconnect',
  scope: { names: 'each', field: 'paths' },
  summary:
    'Ends subscriptions and grants of a session, or of all sessions of a user, and denies the paths until something newer is said of them.',
  body: z.strictObject({
    id: sessionId.exactOptional(),
    paths: paths.exactOptional().meta({ description: 'With `id`: the paths to take from that session.' }),
    user: user.meta({
      description:
        'With `id`: a session that is bound to another user is left alone; null: only a session without a user.',
    }),
    patterns: z
      .array(pattern)
      .max(LIMITS.itemsPerRequest)
      .exactOptional()
      .meta({ description: 'Without `id`: what to take from all sessions of `user`.' }),
  }),
  reply: z.strictObject({
    results: z.array(
      z.union([
        z.strictObject({ path, wasSubscribed: z.boolean() }),
        z.strictObject({ path, error: itemError }),
        z.strictObject({ pattern, ended: z.int().meta({ description: 'Subscriptions.' }) }),
        z.strictObject({ pattern, error: itemError }),
      ]),
    ),
  }),
  async run({ id, paths: unwanted, user: named, patterns }, { operations }) {
    if (id === undefined) {
      if (typeof named !== 'string') throw missing('user', 'Name a session by id, or a user.');
      if (patterns === undefined || unwanted !== undefined) {
        throw missing('patterns', 'From a user patterns are taken.');
      }
      return { results: await operations.disconnectUser(named, patterns) };
    }
    if (unwanted === undefined || patterns !== undefined)
      throw missing('paths', 'From a session paths are taken.');
    return { results: await operations.disconnect(id, unwanted, named) };
  },
});

const missing = (field: string, message: string) => fault('bad_field', { field, message });
