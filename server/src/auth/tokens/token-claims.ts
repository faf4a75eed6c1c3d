/**
 * Parses the claims of session tokens and path tokens (docs/protocol.md, "Tokens") after their signature was verified.
 * No message quotes a claim, except times (token-times.ts).
 */
import { z } from 'zod';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import { patternFault } from '../../../../protocol/patterns.js';
import type { Identity, PathToken } from '../../core/access/identity.js';
import { textOf } from '../../core/hub/draft.js';
import type { Claims, Lifespan } from './token-times.js';

const name = z.string().min(1).max(LIMITS.nameCharacters);
const patterns = z
  .array(z.string().refine((text) => patternFault(text) === null, 'neither a path nor a pattern'))
  .max(LIMITS.itemsPerRequest);
const sessionSchema = z.object({
  sub: name.optional(),
  login: name.optional(),
  info: z
    .unknown()
    .refine(isInfo, `larger than ${LIMITS.infoCharacters} characters as JSON, or nested too deep`)
    .optional(),
  grants: patterns.optional(),
});
const pathTokenSchema = z.object({ sub: name.optional(), login: name.optional(), paths: patterns.min(1) });

const bad = (message: string) => ({ error: errorBody('bad_token', { message }) });

/** Returns the identity in a session token. Errors: `bad_token`. */
export function identityOf(claims: Claims, { at, expiresAt }: Lifespan): Outcome<Identity> {
  if (Object.hasOwn(claims, 'paths')) return bad('Invalid token: a session token has no claim "paths".');
  const result = sessionSchema.safeParse(claims);
  if (!result.success) return bad(complaintOf(result.error));
  const { sub, login, info, grants } = result.data;
  return {
    value: {
      source: 'token',
      user: sub ?? null,
      login: login ?? null,
      info: (info ?? null) as Json,
      grants: grants ?? [],
      at,
      expiresAt,
    },
  };
}

/** Returns the content of a path token. Errors: `bad_token`. */
export function pathTokenOf(claims: Claims, { at, expiresAt }: Lifespan): Outcome<PathToken> {
  if (!Object.hasOwn(claims, 'paths')) return bad('Invalid token: a path token needs the claim "paths".');
  if (Object.hasOwn(claims, 'grants')) return bad('Invalid token: a path token has no claim "grants".');
  if (Object.hasOwn(claims, 'info')) return bad('Invalid token: a path token has no claim "info".');
  const result = pathTokenSchema.safeParse(claims);
  if (!result.success) return bad(complaintOf(result.error));
  const { sub, login, paths } = result.data;
  return { value: { user: sub ?? null, login: login ?? null, paths, at, expiresAt } };
}

function isInfo(info: unknown): boolean {
  if (info === undefined) return true;
  const text = textOf(info as Json);
  return text !== null && text.length <= LIMITS.infoCharacters;
}

function complaintOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  return `Invalid token, claim ${issue?.path.join('.')}: ${issue?.message}.`;
}
