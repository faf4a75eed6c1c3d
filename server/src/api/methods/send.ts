/** `send`: a message to sessions themselves. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { defineMethod } from '../method.js';
import { idempotencyKey, message, repeated, sessionId, userName } from '../schemas.js';

/** Sends a message to sessions and users. */
export const send = defineMethod({
  name: 'send',
  scope: { names: 'nothing' },
  summary: 'Sends a message to sessions, and to all sessions of users.',
  body: z.strictObject({
    sessions: z.array(sessionId).max(LIMITS.itemsPerRequest).exactOptional(),
    users: z.array(userName).max(LIMITS.itemsPerRequest).exactOptional(),
    message,
    idempotencyKey,
  }),
  reply: z.strictObject({
    sent: z.array(sessionId),
    unknown: z.array(z.string()).meta({ description: 'Ids and users that have no session.' }),
    repeated,
  }),
  async run({ idempotencyKey: once, ...request }, { operations }, caller) {
    const { message, ...to } = request;
    const { sent, unknown, isRepeated } = await operations.send(message, to, caller.once(once, request));
    return { sent, unknown, ...(isRepeated && { repeated: true as const }) };
  },
});
