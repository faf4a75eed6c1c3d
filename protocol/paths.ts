/** The grammar of paths and keys (docs/protocol.md, "Paths" and "State"). */
import type { LIMITS } from './limits.js';

// The compiler holds these to LIMITS, which is not imported: who judges paths would bring every limit into a page.
const PATH_BYTES = 255 satisfies (typeof LIMITS)['pathBytes'];
const KEY_BYTES = 255 satisfies (typeof LIMITS)['keyBytes'];

/** What begins so is the server's own. */
export const RESERVED_PREFIX = '::';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f*{}]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Bytes of `text` as UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/** Says what is wrong with `path`, or null when a client or a back end may name it. */
export function pathFault(path: string): 'bad_path' | 'reserved_path' | null {
  if (path.length === 0 || path.length > PATH_BYTES) return 'bad_path';
  if (path.startsWith(RESERVED_PREFIX)) return 'reserved_path';
  if (FORBIDDEN.test(path) || LONE_SURROGATE.test(path)) return 'bad_path';
  return utf8Length(path) > PATH_BYTES ? 'bad_path' : null;
}

/** Says what is wrong with `key`, or null when an update may carry it. */
export function keyFault(key: string): 'bad_key' | null {
  if (key.length === 0 || key.length > KEY_BYTES) return 'bad_key';
  if (CONTROL.test(key) || LONE_SURROGATE.test(key)) return 'bad_key';
  return utf8Length(key) > KEY_BYTES ? 'bad_key' : null;
}
