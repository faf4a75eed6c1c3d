/** What `update` and `updates` have in common: an item of a request as a draft, or what is wrong with it. */
import { ERRORS, type ErrorBody } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { pathFault, utf8Length } from '../../../protocol/paths.js';
import type { Draft } from '../core/update.js';

/** An update as a back end names it. */
export interface Publication {
  readonly path: string;
  readonly message: Json;
  readonly except?: readonly string[];
}

/** A draft that may be published, or the error. `prefix` leads to the item in the request. */
export function draftOf({ path, message, except }: Publication, prefix = ''): Draft | ErrorBody {
  const wrong = pathFault(path);
  if (wrong !== null) return { code: wrong, message: ERRORS[wrong].message, field: `${prefix}path` };
  const text = textOf(message);
  if (text === null) {
    const advice = `${ERRORS.bad_field.message} It is no JSON value, or nested too deep.`;
    return { code: 'bad_field', message: advice, field: `${prefix}message` };
  }
  if (text.length > LIMITS.messageBytes || utf8Length(text) > LIMITS.messageBytes) {
    return { code: 'too_large', message: ERRORS.too_large.message, field: `${prefix}message` };
  }
  return {
    path,
    message,
    sender: '',
    except: except === undefined || except.length === 0 ? null : new Set(except),
  };
}

/** A message as JSON; null where that cannot be: a text may be parsed that is nested too deep to be written again. */
function textOf(message: Json): string | null {
  try {
    return JSON.stringify(message) ?? null;
  } catch {
    return null;
  }
}
