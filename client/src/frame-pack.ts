/** Divides lists of paths into frames, none of which is larger than Dobby takes. */
import type { SubscribeItem } from '../../protocol/frames.js';
import type { LIMITS } from '../../protocol/limits.js';
import { utf8Length } from '../../protocol/paths.js';

const TOKENS_PER_FRAME = 100 satisfies (typeof LIMITS)['tokensPerFrame'];

/** Divides a list so that each part is at most `maxBytes` long as JSON, with no more tokens than a frame may carry. */
export function pack<T>(items: readonly T[], maxBytes: number): T[][] {
  const parts: T[][] = [];
  let bytes = maxBytes;
  for (const item of items) {
    const least = (item as Partial<SubscribeItem>).token ? maxBytes / TOKENS_PER_FRAME : 0;
    const size = Math.max(utf8Length(JSON.stringify(item)) + 1, least);
    if (bytes + size > maxBytes) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)?.push(item);
  }
  return parts;
}
