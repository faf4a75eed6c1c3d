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
  const text = JSON.stringify(message);
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
