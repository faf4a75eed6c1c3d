/** `connect`: grants paths to a session and subscribes it to them. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { RequestFault } from '../../http-errors.js';
import { defineMethod } from '../method.js';
import { itemError, path, paths, position, sessionId } from '../schemas.js';

export const connect = defineMethod({
  name: 'connect',
  summary: 'Grants paths to a session and subscribes it to them, whether or not it asked.',
  body: z.strictObject({
    id: sessionId,
    paths,
    user: z
      .string()
      .min(1)
      .max(LIMITS.nameCharacters)
      .exactOptional()
      .meta({ description: 'Binds the session to this user; another one later is refused.' }),
  }),
  reply: z.strictObject({
    results: z.array(
      z.union([z.strictObject({ path, position }), z.strictObject({ path, error: itemError })]),
    ),
  }),
  run({ id, paths: wanted, user }, { sessions }) {
    const outcome = sessions.connect(id, wanted, user ?? null);
    if ('error' in outcome) throw new RequestFault(outcome.error);
    return { results: outcome };
  },
});
