/** Bounds the memory of openings that wait for their authentication. */
import type { OpenFrame } from '../../../../protocol/frames.js';

/** Bytes of a frame, and of each item, beside their texts. */
const FRAME_BYTES = 1_024;
const ITEM_BYTES = 256;
/** Bytes of all waiting openings; one holds about as much as its frame, at most about a megabyte. */
export const MAX_OPENING_BYTES = 64 * 1024 * 1024;
/** When a client is to try again whose opening has no room, in milliseconds. */
export const OPENING_RETRY_MS = 2_000;

/** Returns roughly how many bytes an `open` frame holds. */
export function openingBytes({ ticket = '', token = '', paths = [] }: OpenFrame): number {
  let bytes = FRAME_BYTES + ticket.length + token.length;
  for (const { path, token: pathToken = '' } of paths) bytes += ITEM_BYTES + path.length + pathToken.length;
  return bytes;
}
