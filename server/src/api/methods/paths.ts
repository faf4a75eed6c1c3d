/** `paths`: what is heard. */
import { z } from 'zod';
import { defineMethod } from '../method.js';
import { pageOf } from '../paging.js';
import { page, path, position } from '../schemas.js';

export const paths = defineMethod({
  name: 'paths',
  summary: 'Lists the paths that somebody is connected to, in alphabetical order.',
  body: z.strictObject({
    prefix: z.string().exactOptional().meta({ description: 'Only paths that begin so.' }),
    ...page,
  }),
  reply: z.strictObject({
    paths: z.array(z.strictObject({ path, subscriptions: z.int(), position })),
    next: z.string().nullable(),
  }),
  run({ prefix = '', ...wanted }, { dispatcher }) {
    const matching = [...dispatcher.paths].filter(([name]) => name.startsWith(prefix));
    const { items, next } = pageOf(matching, wanted);
    return {
      paths: items.map(([name, it]) => ({
        path: name,
        subscriptions: it.subscriptions,
        position: it.log?.head ?? null,
      })),
      next,
    };
  },
});
