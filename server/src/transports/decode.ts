/** Decodes a client's text to a frame, a request body or a coded error. Nothing here throws. */
import { z } from 'zod';
import { type ErrorBody, errorBody } from '../../../protocol/codes.js';
import type { OpenFrame, PollBody, ProbeFrame, SendBody, SendFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { FeatureFrame, Features } from '../core/sessions/features.js';
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
/** The number of a frame, an attempt or a connection. */
const n = z.int().min(1);

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
  probe: z.strictObject({ type: z.literal('probe'), step: z.union([z.literal(1), z.literal(2)]) }),
  pong: z.strictObject({ type: z.literal('pong') }),
  close: z.strictObject({ type: z.literal('close') }),
};

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
export function decodeOpen(value: unknown, features: Features): Decoded<OpenFrame | ProbeFrame> {
  const isBody = isObject(value) && Object.hasOwn(bodies, String(value['type']));
  const decoded = isBody ? decodeTyped<PostBody>(bodies, value) : decodeSendFrame(value, features);
  if ('error' in decoded) return decoded;
  if (decoded.value.type === 'probe') return { value: decoded.value as ProbeFrame };
  if (decoded.value.type === 'open') return withFewTokens({ value: decoded.value as OpenFrame });
  return { error: errorBody('not_open') };
}

/** Decodes a frame that follows the first. */
export function decodeSendFrame(value: unknown, features: Features): Decoded<SendFrame | FeatureFrame> {
  if (!isObject(value)) return { error: errorBody('bad_frame') };
  const { type } = value;
  if (type === 'open') return { error: errorBody('already_open') };
  const feature = features.frames.get(type as string);
  if (feature === undefined) return withFewTokens(decodeTyped<SendFrame>(sendFrames, value));
  const checked = features.check(feature, value);
  return 'error' in checked ? { ...checked, ...numberOf(value) } : checked;
}

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
