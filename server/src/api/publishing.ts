/** What `update` and `updates` have in common: an item of a request as a draft, or what is wrong with it. */
import { ERRORS, errorBody, type Outcome } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { keyFault, pathFault } from '../../../protocol/paths.js';
import type { Publisher } from '../core/publisher.js';
import type { Draft, Update } from '../core/update.js';

/** An update as a back end names it. */
export interface Publication {
  readonly path: string;
  readonly message: Json;
  readonly key?: string;
  readonly except?: readonly string[];
}

const NOT_JSON = `${ERRORS.bad_field.message} It is no JSON value, or nested too deep.`;

/** A draft that may be published, or the error. `prefix` leads to the item in the request. */
export function draftOf({ path, key, message, except }: Publication, prefix = ''): Outcome<Draft> {
  const wrong = pathFault(path);
  if (wrong !== null) return { error: errorBody(wrong, { field: `${prefix}path` }) };
  const wrongKey = key === undefined ? null : keyFault(key);
  if (wrongKey !== null) return { error: errorBody(wrongKey, { field: `${prefix}key` }) };
  const field = `${prefix}message`;
  const text = textOf(message);
  if (text === null) return { error: errorBody('bad_field', { message: NOT_JSON, field }) };
  if (Buffer.byteLength(text) > LIMITS.messageBytes) return { error: errorBody('too_large', { field }) };
  const hidden = except === undefined || except.length === 0 ? null : new Set(except);
  return { value: { path, key: key ?? null, message, text, sender: '', except: hidden } };
}

/** Publishes a draft; `prefix` leads to its item in the request. */
export async function publishDraft(
  publisher: Publisher,
  draft: Draft,
  prefix = '',
): Promise<Outcome<Update>> {
  const outcome = await publisher.publish(draft);
  if ('value' in outcome || prefix === '') return outcome;
  return { error: { ...outcome.error, field: `${prefix}${outcome.error.field}` } };
}

/** A message as JSON; null where that cannot be: a text may be parsed that is nested too deep to be written again. */
function textOf(message: Json): string | null {
  try {
    return JSON.stringify(message) ?? null;
  } catch {
    return null;
  }
}
