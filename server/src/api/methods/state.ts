/** `state`: the newest message of each key of a path, page by page in the order of the keys, or of named keys. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { defineMethod } from '../method.js';
import { message, page, path, place } from '../schemas.js';

const item = z.strictObject({ key: z.string(), message, position: place });

/** Reads a path's state. */
export const state = defineMethod({
  name: 'state',
  scope: { names: 'one', field: 'path' },
  summary: 'Gives the newest message of each key of a path, or of the named ones as far as they are there.',
  body: z.strictObject({
    path,
    keys: z
      .array(z.string())
      .max(LIMITS.itemsPerRequest)
      .exactOptional()
      .meta({ description: 'Only these, as far as they are there.' }),
    ...page,
  }),
  reply: z.strictObject({
    entries: z.array(item),
    position: place.meta({ description: 'Where the path stands: all entries are true there.' }),
    next: z.string().nullable(),
    partial: z
      .literal(true)
      .exactOptional()
      .meta({ description: 'The server crashed: it may be a part only of what there was, see `complete`.' }),
  }),
  async run(request, { operations }) {
    const { isPartial, ...page } = await operations.state(request);
    return { ...page, ...(isPartial && { partial: true as const }) };
  },
});
