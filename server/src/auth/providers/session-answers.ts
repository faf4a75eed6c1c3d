/** Validates answers of the session view (docs/protocol.md, "The back end's session view"), each as a whole. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { check, name, sources } from '../../schema.js';

const MAX_ERROR_CHARACTERS = 1_000;
/** An identity lasts at least this long, so that the back end is not asked in a loop. */
const MIN_EXPIRY_MS = 1_000;

const info = z
  .unknown()
  .refine((value) => JSON.stringify(value).length <= LIMITS.infoCharacters, 'too long')
  .pipe(z.json());

const refusal = z.strictObject({
  error: z.strictObject({
    code: z.literal('not_allowed'),
    message: z.string().max(MAX_ERROR_CHARACTERS).exactOptional(),
  }),
});
const sessionIdentity = z.strictObject({
  user: name.nullable().default(null),
  login: name.nullable().default(null),
  info: info.default(null),
  grants: sources.default([]),
  refused: sources.default([]),
  expiresInMs: z.int().min(MIN_EXPIRY_MS).nullable().default(null),
});
const pathDecision = z.strictObject({ grants: sources.default([]), refused: sources.default([]) });

/** The identity of a client, or its refusal. */
export type SessionAnswer = z.output<typeof sessionIdentity> | z.output<typeof refusal>;

/** The decision on paths. */
export type SubscribeAnswer = z.output<typeof pathDecision>;

/** Parses the answer to `session`; a string is the message of its fault. */
export function readSessionAnswer(json: unknown): SessionAnswer | string {
  const isRefusal = typeof json === 'object' && json !== null && 'error' in json;
  return parse<SessionAnswer>(isRefusal ? refusal : sessionIdentity, json);
}

/** Parses the answer to `subscribe`; a string is the message of its fault. */
export function readSubscribeAnswer(json: unknown): SubscribeAnswer | string {
  return parse(pathDecision, json);
}

function parse<T>(schema: z.ZodType<T>, json: unknown): T | string {
  const checked = check(schema, json);
  if (!('error' in checked)) return checked.value;
  const { message, field } = checked.error;
  return field === undefined ? message : `${field}: ${message}`;
}
