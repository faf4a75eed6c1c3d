/**
 * Checks the times of a token: `iat`, `exp`, `nbf` (RFC 7519, 4.1), in seconds since 1970. A refusal names the token's
 * time and the server's, since mostly their clocks differ.
 */
import { errorBody, type Outcome } from '../../../../protocol/codes.js';

/** The parsed claims of a token, not validated yet. */
export type Claims = Readonly<Record<string, unknown>>;

/** When a token was issued and when it expires, in milliseconds since 1970. */
export interface Lifespan {
  readonly at: number;
  readonly expiresAt: number;
}

/** The tolerated difference between two clocks. */
const SKEW_MS = 5_000;
/** More than the rounding error of a time in decimal seconds. */
const ROUNDING_MS = 0.001;
/** The last time that a `Date` can hold (ECMA-262, 21.4.1.1). */
const MAX_DATE_MS = 8.64e15;
/** So many seconds lie beyond the year 5000: the claim counts milliseconds. */
const MILLISECONDS_FROM = 1e11;

const NAMES = { exp: 'expiry', iat: 'time of issue', nbf: 'not-before time' } as const;

/** Returns the refusal of an invalid token; `why` is the end of a sentence, or several sentences. */
export const bad = (why: string) => ({
  error: errorBody('bad_token', { message: `Invalid token: ${why}.` }),
});

/** Returns the lifespan of a token that is valid now. Errors: `bad_token`, `expired_token`. */
export function lifespanOf(
  claims: Claims,
  { now, maxAgeMs }: { readonly now: number; readonly maxAgeMs: number },
): Outcome<Lifespan> {
  const missing = (['exp', 'iat'] as const).find((name) => claims[name] === undefined);
  if (missing !== undefined) return bad(`its ${NAMES[missing]} (${missing}) is missing`);
  const wrong = wrongType(claims);
  if (wrong !== null) return bad(wrong);
  const { exp, iat, nbf } = claims as { exp: number; iat: number; nbf?: number };
  const at = msOf(iat);
  const ends = msOf(exp);
  const clock = `this server's clock says ${shown(now)}`;
  if (nbf !== undefined && msOf(nbf) > now + SKEW_MS) {
    return bad(`not valid before ${shown(msOf(nbf))} (nbf), and ${clock}${unitAdvice(nbf)}`);
  }
  if (at > now + SKEW_MS) {
    const advice = unitAdvice(iat) || '. One of the two clocks is wrong';
    return bad(`issued in the future, at ${shown(at)} (iat), and ${clock}${advice}`);
  }
  const expiresAt = Math.min(ends, at + maxAgeMs);
  if (expiresAt + SKEW_MS <= now) {
    const why =
      ends <= at + maxAgeMs
        ? `This token expired at ${shown(ends)} (exp)`
        : `This token was issued at ${shown(at)} (iat), and is valid for ${maxAgeMs / 1000} s (maxTokenAgeMs)`;
    return { error: errorBody('expired_token', { message: `${why}; ${clock}.` }) };
  }
  // A token that only the clock tolerance saved gets that tolerance as its lifetime.
  return { value: { at, expiresAt: expiresAt > now ? expiresAt : expiresAt + SKEW_MS } };
}

function wrongType(claims: Claims): string | null {
  for (const name of ['exp', 'iat', 'nbf'] as const) {
    const value = claims[name];
    if (value === undefined || isTime(value)) continue;
    const kind = value === null ? 'null' : typeof value === 'number' ? 'infinite' : `of type ${typeof value}`;
    return `its ${NAMES[name]} (${name}) must be a number of seconds since 1970, and is ${kind}`;
  }
  return null;
}

/** `JSON.parse` reads 1e999 as infinite. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const msOf = (seconds: number): number => Math.floor(seconds * 1000 + ROUNDING_MS);

/** Formats a time; as seconds where a `Date` cannot hold it. */
function shown(ms: number): string {
  return Math.abs(ms) <= MAX_DATE_MS ? new Date(ms).toISOString() : `${ms / 1000} s since 1970`;
}

const unitAdvice = (seconds: number): string =>
  seconds >= MILLISECONDS_FROM ? '. It seems to count milliseconds; tokens count seconds' : '';
