/** `paths`: what is heard, and where named paths stand. */
import { z } from 'zod';
import { pageOf } from '../../core/data/page.js';
import { isInbox } from '../../core/log/reserved-paths.js';
import { DEFAULT_LIMIT } from '../../core/operations/reading.js';
import { defineMethod } from '../method.js';
import { page, path, paths as pathNames, position } from '../schemas.js';

const item = z.strictObject({ path, subscriptions: z.int(), position });

/** Lists paths, or tells where named ones stand. */
export const paths = defineMethod({
  name: 'paths',
  scope: { names: 'listed', field: 'names' },
  summary: 'Lists the paths with subscribers in alphabetical order, or tells where named ones stand.',
  body: z.strictObject({
    prefix: z.string().exactOptional().meta({ description: 'Only paths that begin so.' }),
    names: pathNames.exactOptional().meta({
      description: 'Exactly these, in this order, with or without subscribers. Not paged.',
    }),
    ...page,
  }),
  reply: z.strictObject({ paths: z.array(item), next: z.string().nullable() }),
  async run({ prefix = '', names, after, limit = DEFAULT_LIMIT }, { operations, dispatcher }, caller) {
    // A page that was rendered from what was read after this position misses nothing when it subscribes since it.
    if (names !== undefined) return { paths: await operations.paths(names), next: null };
    const matching = [...dispatcher.paths].filter(
      ([name, it]) => !it.isEmpty && name.startsWith(prefix) && !isInbox(name) && caller.mayName(name),
    );
    const { items, next } = pageOf(matching, { after, limit });
    return { paths: await operations.paths(items.map(([name]) => name)), next };
  },
});
