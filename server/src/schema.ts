/** Where untrusted values become typed ones: a schema's first complaint, as an error of the protocol's table. */
import { z } from 'zod';
import { ERRORS, errorBody, type Outcome } from '../../protocol/codes.js';
import { LIMITS } from '../../protocol/limits.js';
import { compilePattern, patternFault } from '../../protocol/patterns.js';

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

/** A scheme of an app or an extension with its host, as browsers and web views write it. */
const OTHER_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[\w.~:%[\]-]+$/;
/** What is sent by many pages that have nothing in common, or names no host. */
const NO_ORIGINS = /^(blob|data|javascript|about|https?|wss?|ftp):/;

/**
 * Returns an origin as browsers send it: `https://app.example`, `capacitor://localhost`, `file://`. Null when there is no such origin,
 * or when it is `null`, which everybody's sandboxed pages are.
 */
export function canonicalOrigin(text: string): string | null {
  // A host may have it in a URL; here it would look like a pattern.
  if (text.includes('*')) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol))
    return url.href === `${url.origin}/` ? url.origin : null;
  const bare = text.replace(/\/$/, '');
  if (bare === 'file:/' || bare === 'file://') return 'file://';
  return OTHER_ORIGIN.test(bare) && !NO_ORIGINS.test(bare) ? bare : null;
}

/** A pattern. */
export const pattern = z.string().superRefine((source, context) => {
  try {
    compilePattern(source);
  } catch (error) {
    context.addIssue({ code: 'custom', message: String((error as Error).message) });
  }
});

/** A path or a pattern. */
export const source = z
  .string()
  .refine((text) => patternFault(text) === null, 'neither a path nor a pattern');

/** Paths and patterns of one request. */
export const sources = z.array(source).max(LIMITS.itemsPerRequest);

/** A user or a login. */
export const name = z.string().min(1).max(LIMITS.nameCharacters);

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
