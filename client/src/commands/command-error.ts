/** Why a command has no reply. */
import type { Json } from '../../../protocol/frames.js';
import { PomonaError, type PomonaErrorCode } from '../errors.js';

/** What is known of a command that failed. */
export interface CommandErrorDetail {
  readonly path: string;
  readonly command: string;
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
  readonly data?: Json | undefined;
}

/** What `send` rejects with, unless its signal was aborted. */
export class CommandError extends PomonaError {
  override readonly name = 'CommandError';
  /** The command's name. */
  readonly command: string;
  /** The argument or option at fault, as a dotted path such as `args.text`. */
  readonly field: string | undefined;
  /** The handler's own code, where it refused. */
  readonly reason: string | undefined;
  /** What the handler has to say beyond that. */
  readonly data: Json | undefined;

  constructor(code: PomonaErrorCode, message: string, detail: CommandErrorDetail) {
    super(code, message, detail);
    ({ command: this.command, field: this.field, reason: this.reason, data: this.data } = detail);
  }
}
