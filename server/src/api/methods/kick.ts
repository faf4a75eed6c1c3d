/** `kick`: ends a session, or all sessions of a user or a login. */
import { z } from 'zod';
import { fault, RequestFault } from '../../http/http-errors.js';
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
  async run({ id, user, login, reconnect: mayReturn = true }, { sessions: { admin } }) {
    if ([id, user, login].filter((name) => name !== undefined).length !== 1) {
      throw fault('bad_field', { field: 'id', message: 'Name one of id, user and login.' });
    }
    if (user !== undefined) return replyOf(await admin.kickUser(user, mayReturn));
    if (login !== undefined) return replyOf(await admin.kickLogin(login, mayReturn));
    const outcome = await admin.kick(id ?? '', mayReturn);
    if ('error' in outcome) throw new RequestFault(outcome.error);
    return replyOf(outcome.value);
  },
});

const replyOf = (sessions: number) => ({ kicked: sessions > 0, sessions });
