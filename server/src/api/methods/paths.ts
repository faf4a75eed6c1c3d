/** The methods about paths: what is heard, what is kept of a path, and what a crash has lost of it. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { GAP_REASONS } from '../../../../protocol/positions.js';
import { pageOf } from '../../core/data/page.js';
import { isInbox } from '../../core/log/reserved-paths.js';
import { DEFAULT_LIMIT } from '../../core/operations/reading.js';
import { defineMethod } from '../method.js';
import { message, paths as names, page, path, place, position } from '../schemas.js';

const gap = z.strictObject({ from: place.nullable(), to: place.nullable(), reason: z.enum(GAP_REASONS) });

/** The methods about paths, by name. */
export const paths = {
  paths: defineMethod({
    scope: { names: 'listed', field: 'names' },
    summary: 'Lists the paths with subscribers in alphabetical order, or tells where named ones stand.',
    body: z.strictObject({
      prefix: z.string().exactOptional().meta({ description: 'Only paths that begin so.' }),
      names: names.exactOptional().meta({
        description: 'Exactly these, in this order, with or without subscribers. Not paged.',
      }),
      ...page,
    }),
    reply: z.strictObject({
      paths: z.array(z.strictObject({ path, subscriptions: z.int(), position })),
      next: z.string().nullable(),
    }),
    async run({ prefix = '', names, after, limit = DEFAULT_LIMIT }, { operations, dispatcher }, caller) {
      // A page that was rendered from what was read after this position misses nothing when it subscribes since it.
      if (names !== undefined) return { paths: await operations.paths(names), next: null };
      const matching = [...dispatcher.paths].filter(
        ([name, it]) => !it.isEmpty && name.startsWith(prefix) && !isInbox(name) && caller.mayName(name),
      );
      const { items, next } = pageOf(matching, { after, limit });
      return { paths: await operations.paths(items.map(([name]) => name)), next };
    },
  }),
  history: defineMethod({
    scope: { names: 'one', field: 'path' },
    summary: 'Gives the updates that the log of a path holds, from a position on or back from it.',
    body: z.strictObject({
      path,
      since: place.exactOptional().meta({ description: 'After this position; with `reverse` before it.' }),
      reverse: z.boolean().exactOptional().meta({ description: 'The newest first.' }),
      limit: page.limit,
    }),
    reply: z.strictObject({
      updates: z.array(z.strictObject({ position: place, message, key: z.string().exactOptional() })),
      gap: gap.nullable().meta({ description: 'What is lost between `since` and the first update.' }),
      head: place,
      next: place.nullable().meta({ description: '`since` of the next page; null when there is none.' }),
    }),
    run: (request, { operations }) => operations.history(request),
  }),
  state: defineMethod({
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
      entries: z.array(z.strictObject({ key: z.string(), message, position: place })),
      position: place.meta({ description: 'Where the path stands: all entries are true there.' }),
      next: z.string().nullable(),
      partial: z.literal(true).exactOptional().meta({
        description: 'The server crashed: it may be a part only of what there was, see `complete`.',
      }),
    }),
    async run(request, { operations }) {
      const { isPartial, ...page } = await operations.state(request);
      return { ...page, ...(isPartial && { partial: true as const }) };
    },
  }),
  /** After a crash the back end publishes the states of paths anew, and says by this that they are whole. */
  complete: defineMethod({
    scope: { names: 'listed', field: 'paths' },
    summary: 'Says that the states of these paths are whole again, after a crash that lost them.',
    body: z.strictObject({ paths: names }),
    reply: z.strictObject({ completed: z.int().min(0) }),
    async run({ paths }, { operations }) {
      return { completed: await operations.complete(paths) };
    },
  }),
};
