/** Where untrusted values become typed ones: a schema's first complaint, as an error of the protocol's table. */
import { z } from 'zod';
import { ERRORS, errorBody, type Outcome } from '../../protocol/codes.js';
import { patternFault } from '../../protocol/patterns.js';

const MAX_FIELD_CHARACTERS = 255;

/** Checks `value`. The error names the field at fault, below `prefix`. Never throws. */
export function check<T>(schema: z.ZodType<T>, value: unknown, prefix = ''): Outcome<T> {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0];
  if (issue === undefined) return { error: errorBody('bad_field') };
  const isUnknown = issue.code === 'unrecognized_keys';
  const parts = [prefix, ...issue.path.map(String), isUnknown ? (issue.keys[0] ?? '') : ''];
  const name = parts
    .filter((part) => part !== '')
    .join('.')
    .slice(0, MAX_FIELD_CHARACTERS);
  const field = name === '' ? {} : { field: name };
  if (isUnknown) return { error: errorBody('unknown_field', field) };
  const code = issue.code === 'too_big' && issue.origin === 'array' ? 'too_many_items' : 'bad_field';
  return { error: errorBody(code, { message: `${ERRORS[code].message} ${issue.message}.`, ...field }) };
}

/** A path or a pattern. */
export const source = z
  .string()
  .refine((text) => patternFault(text) === null, 'neither a path nor a pattern');

/** What was said of a session, as it is written down: in tickets and in the handoff. */
export const identitySchema = z.strictObject({
  source: z.enum(['token', 'webhook']),
  user: z.string().nullable(),
  login: z.string().nullable(),
  info: z.json(),
  grants: z.array(source),
  at: z.number(),
  expiresAt: z.number().nullable(),
});
