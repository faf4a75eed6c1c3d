/** The schemas that several files of methods share. */
import { z } from 'zod';
import type { ErrorCode } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';

/** A path; its grammar is checked item by item, with codes of its own. */
export const path = z.string().meta({ description: 'A path: 1 to 255 bytes of UTF-8.' });

/** Paths of one request. */
export const paths = z.array(path).max(LIMITS.itemsPerRequest);

/** Any JSON value. */
export const anyJson = z.custom<Json>((value) => value !== undefined, 'Required');

/** A message. Its size is checked where it is published. */
export const message = anyJson.meta({ description: 'Any JSON value, at most 64 KB.' });

/** A session's public id. */
export const sessionId = z.string().min(1).max(64).meta({ description: 'The public id of a session.' });

/** A user of the app, or a login, by the app's own name for it. */
export const userName = z.string().min(1).max(LIMITS.nameCharacters);

/** A place in a log. */
export const place = z.strictObject({ epoch: z.string(), offset: z.int().min(0) });

/** Where an update stands; null on a path without a log. */
export const position = place
  .nullable()
  .meta({ description: 'Where the update stands in its log; null on a path without one.' });

/** An error of one item. */
export const itemError = z.strictObject({
  code: z.custom<ErrorCode>((value) => typeof value === 'string').meta({ type: 'string' }),
  message: z.string(),
  field: z.string().exactOptional(),
});

/** How a list is paged: by the last key of the page before. */
export const page = {
  limit: z.int().min(1).max(1_000).exactOptional().meta({ description: 'At most so many; default 100.' }),
  after: z.string().exactOptional().meta({ description: '`next` of the page before.' }),
};
