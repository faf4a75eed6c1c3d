/**
 * The times of a token: `iat`, `exp`, `nbf` (RFC 7519, 4.1), in seconds since 1970. A refusal names the token's time and this
 * server's, since most of them are two clocks that differ.
 */
import { errorBody, type Outcome } from '../../../../protocol/codes.js';

/** The claims of a token, parsed; they may be of any type. */
export type Claims = Readonly<Record<string, unknown>>;

/** From when until when a token is good, in milliseconds since 1970. */
export interface Lifespan {
  readonly at: number;
  readonly expiresAt: number;
}

/** How far the clocks of two machines may be apart. */
export const SKEW_MS = 5_000;
/** What the fractions of a number lose when they are written in decimals: less than a thousandth of a millisecond. */
const ROUNDING_MS = 0.001;
/** The last moment that a `Date` has (ECMA-262, 21.4.1.1). */
const MAX_DATE_MS = 8.64e15;
/** Such a number of seconds lies beyond the year 5000: it counts milliseconds. */
const MILLISECONDS_FROM = 1e11;

const NAMES = { exp: 'expiry', iat: 'time of issue', nbf: 'beginning' } as const;
type Time = keyof typeof NAMES;

const bad = (message: string) => ({ error: errorBody('bad_token', { message }) });

/** Returns from when until when the token is good, if it is good now. Errors: `bad_token`, `expired_token`. */
export function lifespanOf(
  claims: Claims,
  { now, maxAgeMs }: { readonly now: number; readonly maxAgeMs: number },
): Outcome<Lifespan> {
  const wrong = missing(claims, 'exp') ?? missing(claims, 'iat') ?? noNumber(claims);
  if (wrong !== null) return bad(wrong);
  const { exp, iat, nbf } = claims as { exp: number; iat: number; nbf?: number };
  const at = msOf(iat);
  const ends = msOf(exp);
  const clock = `this server's clock says ${shown(now)}`;
  if (nbf !== undefined && msOf(nbf) > now + SKEW_MS) {
    return bad(`This token is not good before ${shown(msOf(nbf))} (nbf), and ${clock}.${unitAdvice(nbf)}`);
  }
  if (at > now + SKEW_MS) {
    const advice = unitAdvice(iat) || ' One of the two clocks is wrong.';
    return bad(`This token was made in the future: at ${shown(at)} (iat), and ${clock}.${advice}`);
  }
  const expiresAt = Math.min(ends, at + maxAgeMs);
  if (expiresAt + SKEW_MS <= now) {
    const why =
      ends <= at + maxAgeMs
        ? `This token expired at ${shown(ends)} (exp)`
        : `This token was made at ${shown(at)} (iat), and is taken for ${maxAgeMs / 1000} s (maxTokenAgeMs)`;
    return { error: errorBody('expired_token', { message: `${why}; ${clock}.` }) };
  }
  // Who is let in is not sent away at once.
  return { value: { at, expiresAt: expiresAt > now ? expiresAt : expiresAt + SKEW_MS } };
}

function missing(claims: Claims, name: Time): string | null {
  return claims[name] === undefined ? `The ${NAMES[name]} of this token (${name}) is missing.` : null;
}

function noNumber(claims: Claims): string | null {
  for (const name of ['exp', 'iat', 'nbf'] as const) {
    const value = claims[name];
    if (value === undefined || isTime(value)) continue;
    const kind = value === null ? 'null' : typeof value === 'number' ? 'infinite' : `of type ${typeof value}`;
    return `The ${NAMES[name]} of this token (${name}) is no number of seconds since 1970: it is ${kind}.`;
  }
  return null;
}

/** JSON may say 1e999, which is read as infinite. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const msOf = (seconds: number): number => Math.floor(seconds * 1000 + ROUNDING_MS);

/** A time as people read it, and in seconds where no calendar has it. */
function shown(ms: number): string {
  return Math.abs(ms) <= MAX_DATE_MS ? new Date(ms).toISOString() : `${ms / 1000} s since 1970`;
}

const unitAdvice = (seconds: number): string =>
  seconds >= MILLISECONDS_FROM ? ' It seems to count milliseconds; tokens count seconds.' : '';
