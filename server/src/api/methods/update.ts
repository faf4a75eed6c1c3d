/** `update`: publishes one update. */
import { z } from 'zod';
import { answerOf } from '../answers.js';
import { defineMethod } from '../method.js';
import { except, idempotencyKey, key, message, path, position, repeated, version } from '../schemas.js';

/** Publishes one update. */
export const update = defineMethod({
  name: 'update',
  scope: { names: 'one', field: 'path' },
  summary: 'Publishes an update to a path and answers its position.',
  body: z.strictObject({ path, message, key: key.exactOptional(), version, except, idempotencyKey }),
  reply: z.strictObject({ position, repeated }),
  async run({ idempotencyKey: once, ...request }, { operations }, caller) {
    const idempotency = caller.once(once, request);
    return answerOf(await operations.update(request, { idempotency }));
  },
});
