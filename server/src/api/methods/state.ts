/** `state`: the newest message of each key of a path, page by page in the order of the keys, or of named keys. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import type { StateEntry } from '../../core/path-state.js';
import { fault } from '../../http-errors.js';
import { withPath } from '../held-path.js';
import { defineMethod } from '../method.js';
import { pageOf } from '../paging.js';
import { key, message, page, path, place } from '../schemas.js';

const item = z.strictObject({ key, message, position: place });

/** Reads a path's state. */
export const state = defineMethod({
  name: 'state',
  summary: 'Gives the newest message of each key of a path, or of the named ones as far as they are there.',
  body: z.strictObject({
    path,
    keys: z
      .array(z.string())
      .max(LIMITS.itemsPerRequest)
      .exactOptional()
      .meta({ description: 'Only these, in this order. Not paged.' }),
    ...page,
  }),
  reply: z.strictObject({
    entries: z.array(item),
    position: place.meta({ description: 'Where the path stands: all entries are true there.' }),
    next: z.string().nullable(),
  }),
  run({ path: name, keys, ...wanted }, { dispatcher }) {
    return withPath(dispatcher, { name }, ({ log, state: kept }) => {
      if (log === null || kept === null) throw fault('no_state', { field: 'path' });
      const { items, next } =
        keys === undefined
          ? pageOf(kept.entries, wanted)
          : { items: keys.map((each) => [each, kept.entries.get(each)] as const), next: null };
      const found = items.flatMap(([, entry]) => (entry === undefined ? [] : [itemOf(entry, log.epoch)]));
      return { entries: found, position: log.head, next };
    });
  },
});

function itemOf({ key: named, text, offset }: StateEntry, epoch: string): z.infer<typeof item> {
  return { key: named, message: JSON.parse(text), position: { epoch, offset } };
}
