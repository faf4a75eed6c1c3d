/** `paths`: what is heard, and where named paths stand. */
import { z } from 'zod';
import { isInbox } from '../../core/log/reserved-paths.js';
import { withPath } from '../held-path.js';
import { type ApiContext, defineMethod } from '../method.js';
import { pageOf } from '../paging.js';
import { page, path, paths as pathNames, position } from '../schemas.js';

const item = z.strictObject({ path, subscriptions: z.int(), position });

/** Lists paths, or tells where named ones stand. */
export const paths = defineMethod({
  name: 'paths',
  scope: { names: 'listed', field: 'names' },
  summary:
    'Lists the paths that somebody is connected to in alphabetical order, or tells where named ones stand.',
  body: z.strictObject({
    prefix: z.string().exactOptional().meta({ description: 'Only paths that begin so.' }),
    names: pathNames.exactOptional().meta({
      description: 'Exactly these, in this order, whether or not somebody is connected to them. Not paged.',
    }),
    ...page,
  }),
  reply: z.strictObject({ paths: z.array(item), next: z.string().nullable() }),
  run({ prefix = '', names, ...wanted }, context, mayName) {
    if (names !== undefined) {
      return { paths: names.map((name, index) => standing(name, index, context)), next: null };
    }
    const matching = [...context.dispatcher.paths].filter(
      ([name]) => name.startsWith(prefix) && !isInbox(name) && mayName(name),
    );
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

/** A page that was rendered from what was read after this position misses nothing when it subscribes since it. */
function standing(name: string, index: number, { dispatcher }: ApiContext): z.infer<typeof item> {
  return withPath(dispatcher, { name, field: `names.${index}` }, ({ subscriptions, log }) => ({
    path: name,
    subscriptions,
    position: log?.head ?? null,
  }));
}
