/** The schemas that several methods share. */
import { z } from 'zod';
import type { ErrorCode } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';

/** A path; its grammar is checked item by item, with codes of its own. */
export const path = z.string().meta({ description: 'A path: 1 to 255 bytes of UTF-8.' });

/** Any JSON value. */
export const anyJson = z.custom<Json>((value) => value !== undefined, 'Required');

/** A message. Its size is checked where it is published. */
export const message = anyJson.meta({ description: 'Any JSON value, at most 64 KB.' });

/** Of which entry of the path's state an update is the new value; its grammar is checked item by item. */
export const key = z.string().meta({
  description: "The update is also the new value of this key in the path's state; null removes it.",
});

/** Makes a keyed update compare and set. */
export const version = z.int().min(1).nullable().exactOptional().meta({
  description:
    'Only if the entry of the key was last changed by the update of this offset; null: only if there is none.',
});

/** A session's public id. */
export const sessionId = z.string().min(1).max(64).meta({ description: 'The public id of a session.' });

/** Sessions that are not to hear an update. */
export const except = z
  .array(sessionId)
  .max(LIMITS.itemsPerRequest)
  .exactOptional()
  .meta({ description: 'Sessions that are not to hear it.' });

/** Makes a repeated request take effect once. */
export const idempotencyKey = z.string().min(1).max(LIMITS.nameCharacters).exactOptional().meta({
  description:
    'An update that comes again with the same key takes effect once within 5 minutes; each update of a list counts by itself.',
});

/** A place in a log. */
export const place = z.strictObject({ epoch: z.string(), offset: z.int().min(0) });

/** Where an update stands; null on a path without a log. */
export const position = place
  .nullable()
  .meta({ description: 'Where the update stands in its log; null on a path without one.' });

/** Whether the answer is that of an earlier request with the same key. */
export const repeated = z.literal(true).exactOptional();

/** An error of one item. */
export const itemError = z.strictObject({
  code: z.custom<ErrorCode>((value) => typeof value === 'string').meta({ type: 'string' }),
  message: z.string(),
  field: z.string().exactOptional(),
});

/** A user of the app, by its own name for it. */
export const userName = z.string().min(1).max(LIMITS.nameCharacters);

/** The user that a request names; null: the session must belong to nobody. */
export const user = userName.nullable().exactOptional();

/** Paths of one request. */
export const paths = z.array(path).max(LIMITS.itemsPerRequest);

/** How a list is paged: by the last key of the page before. */
export const page = {
  limit: z.int().min(1).max(1_000).exactOptional().meta({ description: 'At most so many; default 100.' }),
  after: z.string().exactOptional().meta({ description: '`next` of the page before.' }),
};
