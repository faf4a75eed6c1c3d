/** `kick`: ends a session. */
import { z } from 'zod';
import { RequestFault } from '../../http-errors.js';
import { defineMethod } from '../method.js';
import { sessionId } from '../schemas.js';

/** Ends a session. */
export const kick = defineMethod({
  name: 'kick',
  scope: { names: 'nothing' },
  summary: 'Ends a session; its client comes back as a new one unless reconnect is false.',
  body: z.strictObject({
    id: sessionId,
    reconnect: z
      .boolean()
      .exactOptional()
      .meta({ description: 'Whether the client may come back; default true.' }),
  }),
  reply: z.strictObject({ kicked: z.literal(true) }),
  async run({ id, reconnect }, { sessions }) {
    const outcome = await sessions.kick(id, reconnect ?? true);
    if ('error' in outcome) throw new RequestFault(outcome.error);
    return { kicked: true };
  },
});
