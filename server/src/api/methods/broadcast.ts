/** `broadcast`: a message to every session. */
import { z } from 'zod';
import { encodeMessage } from '../../core/hub/draft.js';
import { RequestFault } from '../../http/http-errors.js';
import { defineMethod } from '../method.js';
import { except, idempotencyKey, message, position, repeated } from '../schemas.js';

/** Sends a message to everybody. */
export const broadcast = defineMethod({
  name: 'broadcast',
  scope: { names: 'nothing' },
  summary: 'Sends a message to every session.',
  body: z.strictObject({ message, except, idempotencyKey }),
  reply: z.strictObject({ position, repeated }),
  async run({ message, except = [] }, { directMessages }) {
    const letter = encodeMessage(message);
    const hidden = except.length === 0 ? null : new Set(except);
    const outcome = 'error' in letter ? letter : await directMessages.broadcast(letter.value, hidden);
    if ('error' in outcome) throw new RequestFault(outcome.error);
    return { position: outcome.value.position };
  },
});
