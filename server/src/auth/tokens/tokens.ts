/**
 * Reads tokens (docs/protocol.md, "Tokens"): JWTs. Signature, times and audience are verified before any claim is used.
 * Keys in a header (`jwk`, `jku`, `x5u`, …) are ignored, and no message quotes a token.
 */
import {
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  type JWTHeaderParameters,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type { Identity, PathToken, TokenReader } from '../../core/access/identity.js';
import { Semaphore } from '../../core/data/semaphore.js';
import type { Clock } from '../../core/time/clock.js';
import { identityOf, pathTokenOf } from './token-claims.js';
import type { TokenKeys } from './token-keys.js';
import type { Claims } from './token-times.js';
import { type Lifespan, lifespanOf, SKEW_MS } from './token-times.js';

/** Options of `Tokens`. */
export interface TokensOptions {
  readonly keys: TokenKeys;
  /** The audience that tokens must name (`aud`). */
  readonly audience: string;
  /** The issuer that tokens must name (`iss`); by default any. */
  readonly issuer?: string;
  /** The longest time since `iat`. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/** Tokens that are verified at a time, and that wait. */
export const MAX_AT_A_TIME = 256;
export const MAX_WAITING = 4_096;
/** Characters of all waiting tokens. */
export const MAX_WAITING_CHARACTERS = 16 * 1024 * 1024;
/** Three parts in base64url, the signature possibly empty; jose would also accept white space and padding. */
const SHAPE = /^[\w-]+\.[\w-]*\.[\w-]*$/;
/** One second more than `SKEW_MS`, since jose rounds the present to seconds; `lifespanOf` checks exactly. */
const COARSE_SKEW_S = SKEW_MS / 1000 + 1;

/** Reads tokens. */
export class Tokens implements TokenReader {
  readonly #options: TokensOptions;
  readonly #semaphore = new Semaphore({
    maxRunning: MAX_AT_A_TIME,
    maxWaiting: MAX_WAITING,
    maxWeight: MAX_WAITING_CHARACTERS,
  });

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  identity(token: string, isWanted?: () => boolean): Promise<Outcome<Identity>> {
    return this.#read({ token, isWanted }, identityOf);
  }

  pathToken(token: string, isWanted?: () => boolean): Promise<Outcome<PathToken>> {
    return this.#read({ token, isWanted }, pathTokenOf);
  }

  async #read<T>(
    { token, isWanted }: { readonly token: string; readonly isWanted: (() => boolean) | undefined },
    parse: (claims: Claims, lifespan: Lifespan) => Outcome<T>,
  ): Promise<Outcome<T>> {
    try {
      const header = headerOf(token);
      if ('error' in header) return header;
      const key = await this.#options.keys.find(header.value, token);
      if ('error' in key) return key;
      const waiting = { weight: token.length, ...(isWanted && { isWanted }) };
      const claims = await this.#semaphore.run(() => this.#verify(token, key.value), waiting);
      if (claims === null) return { error: errorBody('too_many_tokens') };
      const { clock, maxAgeMs } = this.#options;
      const lifespan = lifespanOf(claims, { now: clock.now(), maxAgeMs });
      return 'error' in lifespan ? lifespan : parse(claims, lifespan.value);
    } catch (error) {
      return { error: this.#errorOf(error) };
    }
  }

  /** Takes the message of a wrong time from `lifespanOf`, which names both clocks; jose's names the claim only. */
  #errorOf(error: unknown): ErrorBody {
    const isTime = error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed;
    if (isTime && TIMES.has(error.claim)) {
      const { clock, maxAgeMs } = this.#options;
      const lifespan = lifespanOf(error.payload, { now: clock.now(), maxAgeMs });
      if ('error' in lifespan) return lifespan.error;
    }
    if (error instanceof errors.JWTExpired) return errorBody('expired_token');
    return errorBody('bad_token', { message: this.#messageOf(error) });
  }

  #messageOf(error: unknown): string {
    if (error instanceof errors.JWTClaimValidationFailed) {
      const { audience, issuer } = this.#options;
      if (error.claim === 'aud')
        return `Invalid token: its audience (aud) must be "${audience}" (tokenAudience).`;
      if (error.claim === 'iss') return `Invalid token: its issuer (iss) must be "${issuer}" (tokenIssuer).`;
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) return WRONG_SIGNATURE;
    if (error instanceof errors.JWTInvalid) return 'Invalid token: its claims are not a JSON object.';
    if (error instanceof errors.JWSInvalid || error instanceof TypeError) return NOT_A_JWT;
    return 'Invalid token.';
  }

  async #verify(token: string, key: CryptoKey | Uint8Array): Promise<Claims> {
    const { keys, audience, issuer, maxAgeMs, clock } = this.#options;
    const options: JWTVerifyOptions = {
      algorithms: [...keys.algorithms],
      audience,
      ...(issuer === undefined ? {} : { issuer }),
      requiredClaims: ['exp', 'iat'],
      maxTokenAge: maxAgeMs / 1000,
      clockTolerance: COARSE_SKEW_S,
      currentDate: new Date(clock.now()),
    };
    return (await jwtVerify(token, key, options)).payload;
  }
}

/** Returns the header of a token, which is not verified yet. */
function headerOf(token: string): Outcome<JWTHeaderParameters> {
  if (token.length > LIMITS.tokenCharacters) {
    const message = `Invalid token: it has more than ${LIMITS.tokenCharacters} characters.`;
    return { error: errorBody('bad_token', { message }) };
  }
  if (!SHAPE.test(token)) return { error: errorBody('bad_token', { message: NOT_A_JWT }) };
  const header = decodeProtectedHeader(token);
  // An unknown critical extension must be refused (RFC 7515, 4.1.11), and this server knows none.
  if (header.crit === undefined) return { value: header as JWTHeaderParameters };
  const message =
    'Invalid token: its header has critical extensions (crit), which this server does not support.';
  return { error: errorBody('bad_token', { message }) };
}

/** The claims that are times. */
const TIMES: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf']);

const NOT_A_JWT = 'Invalid token: this is not a JWT.';
const WRONG_SIGNATURE = 'Invalid token: its signature matches no secret or key of this server.';
