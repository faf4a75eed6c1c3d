/** Checks the arguments of `send` before anything happens, and makes its errors: a frame that the server would refuse is never made. */
import type { Json } from '../../../protocol/frames.js';
import type { LIMITS } from '../../../protocol/limits.js';
import { keyFault, pathFault, utf8Length } from '../../../protocol/paths.js';
import { type Check, isBoolean, isObject, isString, optional } from '../checks.js';
import { PomonaError, type PomonaErrorCode } from '../errors.js';

/** The longest time that timers can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const FRAME_BYTES = 65_536 satisfies (typeof LIMITS)['frameBytes'];
/** Room in a frame for all but the path, the command and its arguments. */
const ENVELOPE_BYTES = 200;

/** What `send` can be told about a command. */
export interface CommandOptions {
  /** How long to wait for the answer, in milliseconds from the call, with or without a connection. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Aborting rejects with the signal's reason; what was not sent by then never is. */
  readonly signal?: AbortSignal | undefined;
  /** That it does no harm to run the command twice: then it is sent again to a server that may have run it. Default false. */
  readonly idempotent?: boolean | undefined;
}

/** A command as it was given. */
export interface CommandRequest {
  readonly path: string;
  readonly command: string;
  readonly args: Json;
  readonly options: CommandOptions;
}

/** A command that can be sent: a copy, which its caller cannot change. */
export interface CheckedRequest extends CommandRequest {
  /** No less than what its frame takes. */
  readonly bytes: number;
}

const OPTIONS: Readonly<Record<string, Check>> = {
  timeoutMs: optional((value) => typeof value === 'number' && value > 0 && value <= MAX_TIMEOUT_MS),
  signal: optional({ aborted: isBoolean }), // also of another window
  idempotent: optional(isBoolean),
};

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

/** Checks and copies a request. @throws CommandError */
export function checked(request: CommandRequest): CheckedRequest {
  const { path, command, options } = request;
  const args = json(request.args);
  const bytes = utf8Length(`${json([path, command])}${args}`) + ENVELOPE_BYTES;
  const [code, field] = faultOf(request, args, bytes) ?? [];
  if (code !== undefined)
    throw new CommandError(code, `send does not take this "${field}": ${code}.`, { path, command, field });
  return { path, command, args: JSON.parse(args as string) as Json, options: { ...options }, bytes };
}

type Fault = readonly [code: PomonaErrorCode, field: string];

function faultOf(
  { path, command, options }: CommandRequest,
  args: string | undefined,
  bytes: number,
): Fault | null {
  const code = isString(path) ? pathFault(path) : 'bad_path';
  if (code !== null) return [code, 'path'];
  // The grammar of commands is that of keys.
  if (!isString(command) || keyFault(command) !== null) return ['bad_field', 'command'];
  if (args === undefined) return ['bad_field', 'args'];
  if (bytes > FRAME_BYTES) return ['too_large', 'args'];
  if (!isObject(options)) return ['bad_field', 'options'];
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) return ['unknown_field', name];
    if (!OPTIONS[name]?.(value)) return ['bad_field', name];
  }
  return null;
}

/** A value as JSON; undefined when there is none of it. */
function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // a circle or a bigint: told as any other value that JSON cannot say
  }
}
