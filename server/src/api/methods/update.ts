/** `update`: publishes one update. */
import { z } from 'zod';
import { RequestFault } from '../../http-errors.js';
import { defineMethod } from '../method.js';
import { draftOf } from '../publishing.js';
import { except, idempotencyKey, message, path, position, repeated } from '../schemas.js';

/** Publishes one update. */
export const update = defineMethod({
  name: 'update',
  summary: 'Publishes an update to a path and answers its position.',
  body: z.strictObject({ path, message, except, idempotencyKey }),
  reply: z.strictObject({ position, repeated }),
  async run(body, { publisher }) {
    const draft = draftOf(body);
    if ('error' in draft) throw new RequestFault(draft.error);
    return { position: (await publisher.publish(draft.value)).position };
  },
});
