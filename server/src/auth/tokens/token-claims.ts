/**
 * Parses the claims of session tokens and path tokens (docs/protocol.md, "Tokens") after their signature was verified.
 * No message quotes a claim, except times (token-times.ts).
 */
import { z } from 'zod';
import type { Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type { Identity, PathToken } from '../../core/access/identity.js';
import { textOf } from '../../core/hub/draft.js';
import { name, sources } from '../../schema.js';
import { bad, type Claims, type Lifespan } from './token-times.js';

const sessionSchema = z.object({
  sub: name.optional(),
  login: name.optional(),
  info: z
    .unknown()
    .refine(isInfo, `larger than ${LIMITS.infoCharacters} characters as JSON, or nested too deep`)
    .optional(),
  grants: sources.optional(),
});
const pathTokenSchema = z.object({ sub: name.optional(), login: name.optional(), paths: sources.min(1) });

/** Returns the identity in a session token. Errors: `bad_token`. */
export function identityOf(claims: Claims, { at, expiresAt }: Lifespan): Outcome<Identity> {
  if (Object.hasOwn(claims, 'paths')) return bad('a session token has no claim "paths"');
  const result = sessionSchema.safeParse(claims);
  if (!result.success) return badClaim(result.error);
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
  if (!Object.hasOwn(claims, 'paths')) return bad('a path token needs the claim "paths"');
  if (Object.hasOwn(claims, 'grants')) return bad('a path token has no claim "grants"');
  if (Object.hasOwn(claims, 'info')) return bad('a path token has no claim "info"');
  const result = pathTokenSchema.safeParse(claims);
  if (!result.success) return badClaim(result.error);
  const { sub, login, paths } = result.data;
  return { value: { user: sub ?? null, login: login ?? null, paths, at, expiresAt } };
}

function isInfo(info: unknown): boolean {
  if (info === undefined) return true;
  const text = textOf(info as Json);
  return text !== null && text.length <= LIMITS.infoCharacters;
}

function badClaim({ issues: [issue] }: z.ZodError) {
  return bad(`claim ${issue?.path.join('.')}: ${issue?.message}`);
}
