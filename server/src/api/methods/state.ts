/** `state`: the newest message of each key of a path, page by page in the order of the keys, or of named keys. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import type { StateEntry } from '../../core/log/snapshot.js';
import { fault } from '../../http/http-errors.js';
import { withPath } from '../held-path.js';
import { defineMethod } from '../method.js';
import { MAX_ANSWER_CHARACTERS, type Page, pageOf } from '../paging.js';
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
  run({ path: name, keys, ...wanted }, { dispatcher }) {
    return withPath(dispatcher, { name }, ({ log, state: kept }) => {
      if (log === null || kept === null) throw fault('no_state', { field: 'path' });
      const wantedKeys = keys && new Set(keys);
      const entries = [...kept.entries].filter(([each]) => wantedKeys?.has(each) !== false);
      const { items, next } = withinBounds(pageOf(entries, wanted));
      return {
        entries: items.map((entry) => itemOf(entry, log.epoch)),
        position: log.head,
        next,
        ...(kept.isPartial && { partial: true as const }),
      };
    });
  },
});

/** The first entries of a page, up to the one that reaches the bound of an answer. */
function withinBounds({ items, next }: Page<[string, StateEntry]>): {
  items: StateEntry[];
  next: string | null;
} {
  const taken: StateEntry[] = [];
  let room = MAX_ANSWER_CHARACTERS;
  for (const [, entry] of items) {
    taken.push(entry);
    room -= entry.text.length;
    if (room <= 0) break;
  }
  const isCut = taken.length < items.length;
  return { items: taken, next: isCut ? (taken.at(-1)?.key ?? null) : next };
}

function itemOf({ key: named, text, offset }: StateEntry, epoch: string): z.infer<typeof item> {
  return { key: named, message: JSON.parse(text), position: { epoch, offset } };
}
