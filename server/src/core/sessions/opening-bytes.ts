/** What an opening holds while the server waits to learn who is asking. */
import type { OpenFrame } from '../../../../protocol/frames.js';

/** What a frame, and each item of it, holds beside its texts, in bytes. */
const FRAME_BYTES = 1_024;
const ITEM_BYTES = 256;
/** Bytes that all openings that wait may hold; one holds about as much as its frame, at most a megabyte or so. */
export const MAX_OPENING_BYTES = 64 * 1024 * 1024;
/** When an opening that finds no room is to be tried again, in milliseconds. */
export const OPENING_RETRY_MS = 2_000;

/** Returns how many bytes an `open` frame holds, roughly. */
export function openingBytes({ ticket = '', token = '', paths = [] }: OpenFrame): number {
  let bytes = FRAME_BYTES + ticket.length + token.length;
  for (const { path, token: pass = '' } of paths) bytes += ITEM_BYTES + path.length + pass.length;
  return bytes;
}
