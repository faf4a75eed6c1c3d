/** The grammar of paths and keys (docs/protocol.md, "Paths" and "State"). */
import type { LIMITS } from './limits.js';

// The compiler holds these to LIMITS, which is not imported: who judges paths would bring every limit into a page.
const PATH_BYTES = 255 satisfies (typeof LIMITS)['pathBytes'];
const KEY_BYTES = 255 satisfies (typeof LIMITS)['keyBytes'];

/** What begins so is the server's own. */
export const RESERVED_PREFIX = '::';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const FORBIDDEN_IN_PATHS = /[\p{Surrogate}\u0000-\u001f\u007f-\u009f*{}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const FORBIDDEN_IN_KEYS = /[\p{Surrogate}\u0000-\u001f\u007f-\u009f]/u;
const ENCODER = new TextEncoder();

/** Bytes of `text` as UTF-8. */
export function utf8Length(text: string): number {
  return ENCODER.encode(text).length;
}

/** Says what is wrong with `path`, or null when a client or a back end may name it. */
export function pathFault(path: string): 'bad_path' | 'reserved_path' | null {
  if (path.length > PATH_BYTES) return 'bad_path';
  if (path.startsWith(RESERVED_PREFIX)) return 'reserved_path';
  return hasFault(path, FORBIDDEN_IN_PATHS, PATH_BYTES) ? 'bad_path' : null;
}

/** Says what is wrong with `key`, or null when an update may carry it. */
export function keyFault(key: string): 'bad_key' | null {
  return hasFault(key, FORBIDDEN_IN_KEYS, KEY_BYTES) ? 'bad_key' : null;
}

function hasFault(text: string, forbidden: RegExp, maxBytes: number): boolean {
  if (text === '' || text.length > maxBytes || forbidden.test(text)) return true;
  // A UTF-16 unit is at most 3 bytes of UTF-8: most texts need not be encoded.
  return text.length * 3 > maxBytes && utf8Length(text) > maxBytes;
}
