/** `kick`: ends a session, or all sessions of a user or a login. */
import { z } from 'zod';
import { fault } from '../../http/http-errors.js';
import { defineMethod } from '../method.js';
import { sessionId, userName } from '../schemas.js';

/** Ends sessions. */
export const kick = defineMethod({
  name: 'kick',
  scope: { names: 'nothing' },
  summary:
    'Ends a session, or all sessions of a user or a login; their clients come back as new ones unless reconnect is false.',
  body: z.strictObject({
    id: sessionId.exactOptional(),
    user: userName
      .exactOptional()
      .meta({ description: 'All sessions of this user, and the tokens made for it until now.' }),
    login: userName.exactOptional().meta({ description: 'All sessions of this login, which ends for good.' }),
    reconnect: z
      .boolean()
      .exactOptional()
      .meta({ description: 'Whether the client may come back; default true.' }),
  }),
  reply: z.strictObject({
    kicked: z.boolean().meta({ description: 'Whether a session ended just now.' }),
    sessions: z.int().meta({ description: 'How many sessions ended just now.' }),
  }),
  async run({ id, user, login, reconnect: mayReturn = true }, { operations }) {
    if ([id, user, login].filter((name) => name !== undefined).length !== 1) {
      throw fault('bad_field', { field: 'id', message: 'Name one of id, user and login.' });
    }
    const whom = user !== undefined ? { user } : login !== undefined ? { login } : { id: id ?? '' };
    const sessions = await operations.kick(whom, mayReturn);
    return { kicked: sessions > 0, sessions };
  },
});
