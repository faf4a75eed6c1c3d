/** Builds the frames that answer commands. */
import { type CommandErrorCode, ERRORS } from '../../../protocol/codes.js';
import type { CommandError } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { Frame } from '../core/wire/frame.js';

/** Returns the error of a command; `more` replaces parts of it, such as the message of the table. */
export function commandError(
  code: CommandErrorCode,
  more: Omit<Partial<CommandError>, 'code'> = {},
): CommandError {
  return { code, message: ERRORS[code].message, ...more };
}

/** Returns the frame of an error. */
export function errorFrame(uid: string, error: CommandError): Frame {
  return Frame.of({ type: 'reply', uid, error });
}

/** Returns the frame of a reply, where undefined is null, or a text that says why the reply is invalid. */
export function replyFrame(uid: string, reply: unknown): Frame | string {
  let text: string | undefined;
  try {
    text = reply === undefined ? 'null' : JSON.stringify(reply);
  } catch (error) {
    return `its reply is no JSON value: ${String(error)}`;
  }
  if (text === undefined) return 'its reply is no JSON value';
  // A character is three bytes at the most.
  if (3 * text.length > LIMITS.messageBytes && Buffer.byteLength(text) > LIMITS.messageBytes)
    return `its reply has more than ${LIMITS.messageBytes} bytes`;
  return new Frame(`{"type":"reply","uid":${JSON.stringify(uid)},"reply":${text}}`, null, false);
}
