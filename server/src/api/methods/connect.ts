/** `connect`: grants paths to a session and subscribes it to them. */
import { z } from 'zod';
import { defineMethod } from '../method.js';
import { itemError, path, paths, position, sessionId, user, userName } from '../schemas.js';

/** Grants paths to a session. */
export const connect = defineMethod({
  name: 'connect',
  scope: { names: 'each', field: 'paths' },
  summary: 'Grants paths to a session and subscribes it to them, whether or not it asked.',
  body: z.strictObject({
    id: sessionId,
    paths,
    user: user.meta({
      description:
        'Binds the session to this user; another one later is refused. Null: only a session without a user.',
    }),
    login: userName.exactOptional().meta({
      description: "A tag of the visitor's login at the app, by which `kick` ends all sessions of it.",
    }),
  }),
  reply: z.strictObject({
    results: z.array(
      z.union([z.strictObject({ path, position }), z.strictObject({ path, error: itemError })]),
    ),
  }),
  async run({ id, paths: wanted, user: named, login }, { operations }) {
    return { results: await operations.connect(id, wanted, named, login) };
  },
});
