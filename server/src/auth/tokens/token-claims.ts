/**
 * What the claims of a token say (docs/protocol.md, "Tokens"), once its signature is known to be good: of a session, or of paths. No
 * message quotes a claim, but for times (token-times.ts).
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
  .array(z.string().refine((text) => patternFault(text) === null, 'no path and no pattern'))
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
const passSchema = z.object({ sub: name.optional(), login: name.optional(), paths: patterns.min(1) });

const bad = (message: string) => ({ error: errorBody('bad_token', { message }) });

/** What a token of a session says. Errors: `bad_token`. */
export function identityOf(claims: Claims, { at, expiresAt }: Lifespan): Outcome<Identity> {
  if (Object.hasOwn(claims, 'paths')) return bad('This is a token of paths, not of a session.');
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

/** What a token of paths says. Errors: `bad_token`. */
export function passOf(claims: Claims, { at, expiresAt }: Lifespan): Outcome<PathToken> {
  if (!Object.hasOwn(claims, 'paths')) return bad('This is no token of paths: it has none.');
  if (Object.hasOwn(claims, 'grants')) return bad('A token of paths has no grants.');
  if (Object.hasOwn(claims, 'info')) return bad('A token of paths has no info.');
  const result = passSchema.safeParse(claims);
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
  return `A claim of this token is wrong: ${issue?.path.join('.')}: ${issue?.message}.`;
}
