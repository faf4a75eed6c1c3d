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

/** How deep a message may be nested: what was published must be written again, within other things, whenever it is asked for. */
const MAX_DEPTH = 512;
const NOT_JSON = `${ERRORS.bad_field.message} It is no JSON value, or nested more than ${MAX_DEPTH} deep.`;

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
  if ('value' in outcome || outcome.error.field === undefined) return outcome;
  return { error: { ...outcome.error, field: `${prefix}${outcome.error.field}` } };
}

/** A message as JSON; null where that cannot be: a text may be parsed that is nested too deep to be written again. */
function textOf(message: Json): string | null {
  try {
    const text = JSON.stringify(message) ?? null;
    return text === null || isTooDeep(text) ? null : text;
  } catch {
    return null;
  }
}

function isTooDeep(json: string): boolean {
  if (json.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (isInText) {
      if (char === '\\') i++;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
