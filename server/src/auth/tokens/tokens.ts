/**
 * Reads tokens (docs/protocol.md, "Tokens"): JWTs whose signature, times and audience are checked before anything in them is believed.
 * What a header says of keys (`jwk`, `jku`, `x5u`, …) is never looked at, and no message quotes a token.
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
import { identityOf, passOf } from './token-claims.js';
import type { TokenKeys } from './token-keys.js';
import type { Claims } from './token-times.js';
import { type Lifespan, lifespanOf, SKEW_MS } from './token-times.js';

/** What tokens are checked by. */
export interface TokensOptions {
  readonly keys: TokenKeys;
  /** For whom they must have been made. */
  readonly audience: string;
  /** Who must have issued them; anybody where it is left out. */
  readonly issuer?: string;
  /** How old they may be. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/** Tokens that are checked at a time, and that wait. */
export const MAX_AT_A_TIME = 256;
export const MAX_WAITING = 4_096;
/** Characters of all that wait. */
export const MAX_WAITING_CHARACTERS = 16 * 1024 * 1024;
/** Three parts in base64url, which jose would take with white space and padding too; the signature of `alg: none` is empty. */
const SHAPE = /^[\w-]+\.[\w-]*\.[\w-]*$/;
/**
 * jose counts the present in whole seconds: its check lets a second more pass, and `lifespanOf` is exact.
 */
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

  pass(token: string, isWanted?: () => boolean): Promise<Outcome<PathToken>> {
    return this.#read({ token, isWanted }, passOf);
  }

  async #read<T>(
    { token, isWanted }: { readonly token: string; readonly isWanted: (() => boolean) | undefined },
    say: (claims: Claims, lifespan: Lifespan) => Outcome<T>,
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
      return 'error' in lifespan ? lifespan : say(claims, lifespan.value);
    } catch (error) {
      return { error: this.#errorOf(error) };
    }
  }

  /** A wrong time is said by `lifespanOf`: jose's check is made before, coarser, and names one time only. */
  #errorOf(error: unknown): ErrorBody {
    const isTime = error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed;
    if (isTime && TIMES.has(error.claim)) {
      const { clock, maxAgeMs } = this.#options;
      const lifespan = lifespanOf(error.payload, { now: clock.now(), maxAgeMs });
      if ('error' in lifespan) return lifespan.error;
    }
    if (error instanceof errors.JWTExpired) return errorBody('expired_token');
    return errorBody('bad_token', { message: complaintOf(error) });
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

/** What a token's header says, which nobody has signed for yet. */
function headerOf(token: string): Outcome<JWTHeaderParameters> {
  if (token.length > LIMITS.tokenCharacters) {
    const message = `A token has at most ${LIMITS.tokenCharacters} characters.`;
    return { error: errorBody('bad_token', { message }) };
  }
  if (!SHAPE.test(token)) return { error: errorBody('bad_token', { message: 'This is no JWT.' }) };
  const header = decodeProtectedHeader(token);
  // Nothing that may stand there is known, and what it names must not be passed over (RFC 7515, 4.1.11).
  if (header.crit === undefined) return { value: header as JWTHeaderParameters };
  return { error: errorBody('bad_token', { message: 'This token demands what is not known (crit).' }) };
}

/** The claims that are times. */
const TIMES: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf']);

const CLAIMS: Readonly<Record<string, string>> = {
  aud: 'This token was not made for this server (aud).',
  iss: 'This token was not issued by whom this server believes (iss).',
};

function complaintOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? OTHERWISE;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of this token is wrong.';
  if (error instanceof errors.JWTInvalid) return 'What this token says is no JSON object.';
  if (error instanceof errors.JWSInvalid || error instanceof TypeError) return 'This is no JWT.';
  return OTHERWISE;
}

const OTHERWISE = 'This is no token.';
