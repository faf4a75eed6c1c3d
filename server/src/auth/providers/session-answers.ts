/** What the session view of a back end may answer (docs/protocol.md, "The back end's session view"), checked whole before any of it counts. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { check, source } from '../../schema.js';

const MAX_ERROR_CHARACTERS = 1_000;
/** Sooner it is not to be asked again. */
const LEAST_EXPIRY_MS = 1_000;

const name = z.string().min(1).max(LIMITS.nameCharacters);
const info = z
  .unknown()
  .refine((value) => JSON.stringify(value).length <= LIMITS.infoCharacters, 'too long')
  .pipe(z.json());
const sources = z.array(source).max(LIMITS.itemsPerRequest);

const refusal = z.strictObject({
  error: z.strictObject({
    code: z.literal('not_allowed'),
    message: z.string().max(MAX_ERROR_CHARACTERS).exactOptional(),
  }),
});
const introduction = z.strictObject({
  user: name.nullable().default(null),
  login: name.nullable().default(null),
  info: info.default(null),
  grants: sources.default([]),
  refused: sources.default([]),
  expiresInMs: z.int().min(LEAST_EXPIRY_MS).nullable().default(null),
});
const word = z.strictObject({ grants: sources.default([]), refused: sources.default([]) });

/** Who a visitor is, or that it is not let in. */
export type SessionAnswer = z.output<typeof introduction> | z.output<typeof refusal>;

/** What is said of paths. */
export type SubscribeAnswer = z.output<typeof word>;

/** Reads the answer to `session`; a text says what is wrong with it. */
export function readSessionAnswer(json: unknown): SessionAnswer | string {
  const isRefusal = typeof json === 'object' && json !== null && 'error' in json;
  return read<SessionAnswer>(isRefusal ? refusal : introduction, json);
}

/** Reads the answer to `subscribe`; a text says what is wrong with it. */
export function readSubscribeAnswer(json: unknown): SubscribeAnswer | string {
  return read(word, json);
}

function read<T>(schema: z.ZodType<T>, json: unknown): T | string {
  const checked = check(schema, json);
  if (!('error' in checked)) return checked.value;
  const { message, field } = checked.error;
  return field === undefined ? message : `${field}: ${message}`;
}
