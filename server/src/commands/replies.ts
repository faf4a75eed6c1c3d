/** The answers to commands. */
import { type CommandErrorCode, ERRORS } from '../../../protocol/codes.js';
import type { CommandError } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { FeatureContent } from '../core/wire/content.js';

/** Returns the error of a command; `more` replaces parts of it, such as the message of the table. */
export function commandError(
  code: CommandErrorCode,
  more: Omit<Partial<CommandError>, 'code'> = {},
): CommandError {
  return { code, message: ERRORS[code].message, ...more };
}

/** The `reply` frame of a command: what its handler replied, or an error. */
export class Reply implements FeatureContent {
  readonly uid: string;
  readonly isError: boolean;
  /** The reply, or the error, as JSON. */
  readonly text: string;

  constructor(uid: string, text: string, isError = false) {
    this.uid = uid;
    this.text = text;
    this.isError = isError;
  }

  get type(): 'reply' {
    return 'reply';
  }

  /** Returns the frame as JSON. */
  get json(): string {
    return `{"type":"reply","uid":${JSON.stringify(this.uid)},"${this.isError ? 'error' : 'reply'}":${this.text}}`;
  }
}

/** Returns the reply of an error. */
export function errorReply(uid: string, error: CommandError): Reply {
  return new Reply(uid, JSON.stringify(error), true);
}

/** Returns a handler's reply, where undefined is null, or a text that says why it is invalid. */
export function replyOf(uid: string, reply: unknown): Reply | string {
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
  return new Reply(uid, text);
}
