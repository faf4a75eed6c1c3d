/**
 * What Pomona does about the end of a connection. protocol/codes.ts says the same, and a test holds
 * this file to it; it is not imported because it would bring the server's table of errors, an eighth
 * of all that is shipped, into every page.
 */
import type { AfterClose, CLOSE_CODES, CloseName } from '../../protocol/codes.js';

type Codes = typeof CLOSE_CODES;

/** No pong has reached the server: the transport carries nothing upstream. */
export const PING_TIMEOUT = 4004 satisfies Codes['ping_timeout'];
/** The session's token is good no more. */
export const TOKEN_REFUSED = 4007 satisfies Codes['token_refused'];
/** What the back end said of the session has expired. */
export const IDENTITY_EXPIRED = 4008 satisfies Codes['identity_expired'];
/** The back end ended the session. */
export const KICKED = 4100 satisfies Codes['kicked'];
/** The ticket is of no use. */
export const TICKET_REFUSED = 4101 satisfies Codes['ticket_refused'];
/** A newer connection has the session. */
export const TAKEN_OVER = 4200 satisfies Codes['taken_over'];
/** The back end ended the session for good. */
export const DISMISSED = 4201 satisfies Codes['dismissed'];

/** What ends a Pomona, in the order of the codes from 4200. */
export const FINAL: readonly CloseName[] = ['taken_over', 'dismissed', 'open_refused', 'ended'];

/** Whether Dobby itself ended the connection: no parser of HTTP, proxy or browser uses these codes. */
export const isOfDobby = (code: unknown): boolean => Number(code) >= 4000;

/** Tells from the range of a close code what to do next; codes of others mean resume. */
export function afterClose(code = 0): AfterClose {
  const range = Math.floor(code / 100);
  return range === 41 ? 'renew' : range === 42 ? 'stop' : 'resume';
}
