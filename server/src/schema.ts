/** Where untrusted values become typed ones: a schema's first complaint, as an error of the protocol's table. */
import type { z } from 'zod';
import { ERRORS, type ErrorBody } from '../../protocol/codes.js';

/** A checked value, or what is wrong with it. */
export type Checked<T> = { readonly value: T } | { readonly error: ErrorBody };

/** Checks `value`. The error names the field at fault, below `prefix`. Never throws. */
export function check<T>(schema: z.ZodType<T>, value: unknown, prefix = ''): Checked<T> {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0];
  if (issue === undefined) return { error: { code: 'bad_field', message: ERRORS.bad_field.message } };
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const field = [prefix, ...path, issue.keys[0] ?? ''].filter((part) => part !== '').join('.');
    return {
      error: { code: 'unknown_field', message: ERRORS.unknown_field.message, field: field.slice(0, 255) },
    };
  }
  const field = [prefix, ...path].filter((part) => part !== '').join('.');
  const code = issue.code === 'too_big' && issue.origin === 'array' ? 'too_many_items' : 'bad_field';
  const message = `${ERRORS[code].message} ${issue.message}.`;
  return { error: field === '' ? { code, message } : { code, message, field: field.slice(0, 255) } };
}
