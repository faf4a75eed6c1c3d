/** `broadcast`: a message to every session. */
import { z } from 'zod';
import { answerOf } from '../answers.js';
import { defineMethod } from '../method.js';
import { except, idempotencyKey, message, position, repeated } from '../schemas.js';

/** Sends a message to everybody. */
export const broadcast = defineMethod({
  name: 'broadcast',
  scope: { names: 'nothing' },
  summary: 'Sends a message to every session.',
  body: z.strictObject({ message, except, idempotencyKey }),
  reply: z.strictObject({ position, repeated }),
  async run({ idempotencyKey: once, ...request }, { operations }, caller) {
    const { message, except: hidden } = request;
    return answerOf(await operations.broadcast(message, hidden, caller.once(once, request)));
  },
});
