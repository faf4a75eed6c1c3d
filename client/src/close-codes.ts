/**
 * What Pomona does about the end of a connection. protocol/codes.ts says the same, and a test holds
 * this file to it; it is not imported because it would bring the server's table of errors, an eighth
 * of all that is shipped, into every page.
 */
import type { AfterClose, CLOSE_CODES, CloseName } from '../../protocol/codes.js';

/** The ticket is of no use. */
export const TICKET_REFUSED = 4101 satisfies (typeof CLOSE_CODES)['ticket_refused'];

/** What ends a Pomona, in the order of the codes from 4200. */
export const FINAL: readonly CloseName[] = ['taken_over', 'dismissed', 'open_refused', 'ended'];

/** Tells from the range of a close code what to do next; codes of others mean resume. */
export function afterClose(code = 0): AfterClose {
  const range = Math.floor(code / 100);
  return range === 41 ? 'renew' : range === 42 ? 'stop' : 'resume';
}
