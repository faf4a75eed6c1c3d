/** Decodes a client's text to a frame, a request body or a coded error. Nothing here throws. */
import { z } from 'zod';
import { type ErrorBody, errorBody } from '../../../protocol/codes.js';
import type {
  CommandFrame,
  Json,
  OpenFrame,
  PollBody,
  ProbeFrame,
  SendBody,
  SendFrame,
} from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { keyFault } from '../../../protocol/paths.js';
import { check } from '../schema.js';

/** A token or a ticket. */
const token = z.string().min(1);
const position = z.strictObject({ epoch: z.string().length(8), offset: z.int().min(0) });
const item = z.strictObject({
  path: z.string(),
  position: position.nullable().exactOptional(),
  last: z.int().min(1).max(LIMITS.lastUpdates).exactOptional(),
  state: z.enum(['snapshot', 'changes']).exactOptional(),
  token: token.exactOptional(),
});
/** The result of JSON.parse is JSON: checking it could recurse too deep. */
const json = z.custom<Json>((value) => value !== undefined);
/** The number of a frame, an attempt or a connection. */
const n = z.int().min(1);
/** Checks the grammar of keys. */
const isCommandName = (name: string): boolean => keyFault(name) === null;

const open = z.strictObject({
  type: z.literal('open'),
  protocol: z.int(),
  ticket: token.exactOptional(),
  attempt: n.exactOptional(),
  token: token.exactOptional(),
  paths: z.array(item).max(LIMITS.pathsPerFrame).exactOptional(),
});
const poll = z.strictObject({ type: z.literal('poll'), ticket: token, connection: n, cursor: z.string() });
const send = z.strictObject({
  type: z.literal('send'),
  ticket: token,
  connection: n,
  frames: z.array(z.unknown()).max(LIMITS.framesPerPost),
});

const sendFrames = {
  subscribe: z.strictObject({
    type: z.literal('subscribe'),
    n,
    paths: z.array(item).min(1).max(LIMITS.pathsPerFrame),
  }),
  unsubscribe: z.strictObject({
    type: z.literal('unsubscribe'),
    n,
    paths: z.array(z.string()).min(1).max(LIMITS.pathsPerFrame),
  }),
  command: z.strictObject({
    type: z.literal('command'),
    n,
    uid: z.string().min(1).max(LIMITS.uidCharacters),
    path: z.string(),
    command: z.string().refine(isCommandName, '1 to 255 bytes of UTF-8 without control characters'),
    args: json.exactOptional(),
    again: z.boolean().exactOptional(),
    idempotent: z.boolean().exactOptional(),
    timeoutMs: z.int().min(1).exactOptional(),
  }),
  token: z.strictObject({ type: z.literal('token'), n, token }),
  probe: z.strictObject({ type: z.literal('probe'), step: z.union([z.literal(1), z.literal(2)]) }),
  pong: z.strictObject({ type: z.literal('pong') }),
  close: z.strictObject({ type: z.literal('close') }),
} satisfies Record<SendFrame['type'], z.ZodType<SendFrame>>;

const bodies = { open, poll, send, probe: sendFrames.probe };

/** The decoded value, or the error, with the number of the refused frame if it is readable. */
export type Decoded<T> = { readonly value: T } | { readonly error: ErrorBody; readonly n?: number };

/** The body of a POST. `decodeSendFrame` checks the frames of `send` one by one. */
export type PostBody =
  | OpenFrame
  | ProbeFrame
  | PollBody
  | (Omit<SendBody, 'frames'> & { readonly frames: readonly unknown[] });

/** Decodes JSON text. */
export function decodeJson(text: string): Decoded<unknown> {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { error: errorBody('bad_json') };
  }
}

/** Decodes the body of a POST. */
export function decodeBody(value: unknown): Decoded<PostBody> {
  return withFewTokens(decodeTyped<PostBody>(bodies, value));
}

/** Decodes the first frame of a WebSocket, or a frame of a probe before it. */
export function decodeOpen(value: unknown): Decoded<OpenFrame | ProbeFrame> {
  const decoded = decodeTyped<PostBody | SendFrame>({ ...bodies, ...sendFrames }, value);
  if ('error' in decoded) return decoded;
  if (decoded.value.type === 'probe') return { value: decoded.value };
  if (decoded.value.type === 'open') return withFewTokens({ value: decoded.value });
  return { error: errorBody('not_open') };
}

/** Decodes a frame that follows the first. */
export function decodeSendFrame(value: unknown): Decoded<SendFrame> {
  if (isCommand(value)) return { value };
  if (isObject(value) && value['type'] === 'open') return { error: errorBody('already_open') };
  return withFewTokens(decodeTyped<SendFrame>(sendFrames, value));
}

const COMMAND_FIELDS: ReadonlySet<string> = new Set(Object.keys(sendFrames.command.shape));

/** Returns whether a value is a valid command, by hand, since commands are frequent. The schema judges others. */
function isCommand(value: unknown): value is CommandFrame {
  if (!isObject(value) || value['type'] !== 'command') return false;
  for (const name in value) if (!COMMAND_FIELDS.has(name)) return false;
  const { n: number, uid, path, command, args, again, idempotent, timeoutMs } = value;
  return (
    isCount(number) &&
    typeof uid === 'string' &&
    uid.length > 0 &&
    uid.length <= LIMITS.uidCharacters &&
    typeof path === 'string' &&
    typeof command === 'string' &&
    isCommandName(command) &&
    (args !== undefined || !('args' in value)) &&
    (!('again' in value) || typeof again === 'boolean') &&
    (!('idempotent' in value) || typeof idempotent === 'boolean') &&
    (!('timeoutMs' in value) || isCount(timeoutMs))
  );
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;

function decodeTyped<T>(schemas: Record<string, z.ZodType>, value: unknown): Decoded<T> {
  if (!isObject(value)) return { error: errorBody('bad_frame') };
  const { type } = value;
  const schema = typeof type === 'string' && Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) {
    return { error: errorBody('unknown_type', { field: 'type' }), ...numberOf(value) };
  }
  const checked = check(schema as z.ZodType<T>, value);
  return 'error' in checked ? { ...checked, ...numberOf(value) } : checked;
}

/** Refuses frames with too many different tokens, since each one costs work. */
function withFewTokens<T extends PostBody | SendFrame>(decoded: Decoded<T>): Decoded<T> {
  if ('error' in decoded) return decoded;
  const frame: PostBody | SendFrame = decoded.value;
  if (frame.type !== 'open' && frame.type !== 'subscribe') return decoded;
  const tokens = new Set<string>();
  for (const { token } of frame.paths ?? []) if (token !== undefined) tokens.add(token);
  if (tokens.size <= LIMITS.tokensPerFrame) return decoded;
  const message = `A frame carries at most ${LIMITS.tokensPerFrame} different tokens.`;
  const error = errorBody('too_many_items', { message, field: 'paths' });
  return { error, ...('n' in frame ? { n: frame.n } : {}) };
}

function numberOf(value: Record<string, unknown>): { n?: number } {
  const number = n.safeParse(value['n']);
  return number.success ? { n: number.data } : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
