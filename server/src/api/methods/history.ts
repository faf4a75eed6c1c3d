/** `history`: what the log of a path holds, page by page, forwards or backwards. */
import { z } from 'zod';
import { GAP_REASONS } from '../../../../protocol/positions.js';
import { defineMethod } from '../method.js';
import { message, page, path, place } from '../schemas.js';

const item = z.strictObject({ position: place, message, key: z.string().exactOptional() });
const gap = z.strictObject({ from: place.nullable(), to: place.nullable(), reason: z.enum(GAP_REASONS) });

/** Reads a path's log. */
export const history = defineMethod({
  name: 'history',
  scope: { names: 'one', field: 'path' },
  summary: 'Gives the updates that the log of a path holds, from a position on or back from it.',
  body: z.strictObject({
    path,
    since: place.exactOptional().meta({ description: 'After this position; with `reverse` before it.' }),
    reverse: z.boolean().exactOptional().meta({ description: 'The newest first.' }),
    limit: page.limit,
  }),
  reply: z.strictObject({
    updates: z.array(item),
    gap: gap.nullable().meta({ description: 'What is lost between `since` and the first update.' }),
    head: place,
    next: place.nullable().meta({ description: '`since` of the next page; null when there is none.' }),
  }),
  run: (request, { operations }) => operations.history(request),
});
