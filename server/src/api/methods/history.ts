/** `history`: what the log of a path holds, page by page, forwards or backwards. */
import { z } from 'zod';
import { GAP_REASONS, type Position } from '../../../../protocol/positions.js';
import type { PathLog } from '../../core/log/path-log.js';
import { type ResumePoint, resumePointIn } from '../../core/log/resume-point.js';
import type { LogEntry } from '../../core/log/update.js';
import { fault } from '../../http/http-errors.js';
import { withPath } from '../held-path.js';
import { defineMethod } from '../method.js';
import { MAX_ANSWER_CHARACTERS } from '../paging.js';
import { message, page, path, place } from '../schemas.js';

const item = z.strictObject({ position: place, message, key: z.string().exactOptional() });
const gap = z.strictObject({ from: place.nullable(), to: place.nullable(), reason: z.enum(GAP_REASONS) });
const DEFAULT_LIMIT = 100;

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
  run({ path: name, since, reverse = false, limit = DEFAULT_LIMIT }, { dispatcher }) {
    return withPath(dispatcher, { name }, ({ log }) => {
      if (log === null) throw fault('no_log', { field: 'path' });
      const placement = since === undefined ? null : placementOf(log, since);
      const from = placement?.start?.offset;
      const entries = reverse
        ? read((offset) => log.before(offset), { from: backFrom(log, since), limit })
        : read((offset) => log.after(offset), { from: from ?? log.floor, limit });
      const last = entries.at(-1);
      const beyond = last && (reverse ? log.before(last.offset) : log.after(last.offset));
      return {
        updates: entries.map((entry) => itemOf(entry, log.epoch)),
        gap: reverse ? null : (placement?.gap ?? null),
        head: log.head,
        next: last && beyond ? { epoch: log.epoch, offset: last.offset } : null,
      };
    });
  },
});

function placementOf(log: PathLog, since: Position): ResumePoint {
  const placement = resumePointIn(log, since);
  if (placement === null) throw fault('bad_position', { field: 'since' });
  return placement;
}

/** Nothing of another epoch is before anything that is here. */
function backFrom(log: PathLog, since: Position | undefined): number {
  if (since === undefined) return log.nextOffset;
  return since.epoch === log.epoch ? since.offset : 0;
}

function read(
  next: (offset: number) => LogEntry | undefined,
  { from, limit }: { readonly from: number; readonly limit: number },
): LogEntry[] {
  const entries: LogEntry[] = [];
  let room = MAX_ANSWER_CHARACTERS;
  for (let entry = next(from); entry !== undefined && room > 0; entry = next(entry.offset)) {
    entries.push(entry);
    if (entries.length === limit) break;
    room -= entry.text.length;
  }
  return entries;
}

function itemOf({ text, offset }: LogEntry, epoch: string): z.infer<typeof item> {
  const { message: said, key: named } = JSON.parse(text);
  return { position: { epoch, offset }, message: said, ...(named !== undefined && { key: named }) };
}
