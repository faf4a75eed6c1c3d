/** What `update` and `updates` have in common: an item of a request as a draft, or what is wrong with it. */
import { ERRORS, errorBody, type Outcome } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { pathFault } from '../../../protocol/paths.js';
import type { Draft } from '../core/update.js';

/** An update as a back end names it. */
export interface Publication {
  readonly path: string;
  readonly message: Json;
  readonly except?: readonly string[];
}

const NOT_JSON = `${ERRORS.bad_field.message} It is no JSON value, or nested too deep.`;

/** A draft that may be published, or the error. `prefix` leads to the item in the request. */
export function draftOf({ path, message, except }: Publication, prefix = ''): Outcome<Draft> {
  const wrong = pathFault(path);
  if (wrong !== null) return { error: errorBody(wrong, { field: `${prefix}path` }) };
  const field = `${prefix}message`;
  const text = textOf(message);
  if (text === null) return { error: errorBody('bad_field', { message: NOT_JSON, field }) };
  if (Buffer.byteLength(text) > LIMITS.messageBytes) return { error: errorBody('too_large', { field }) };
  const hidden = except === undefined || except.length === 0 ? null : new Set(except);
  return { value: { path, message, text, sender: '', except: hidden } };
}

/** A message as JSON; null where that cannot be: a text may be parsed that is nested too deep to be written again. */
function textOf(message: Json): string | null {
  try {
    return JSON.stringify(message) ?? null;
  } catch {
    return null;
  }
}
