/**
 * Reads tokens (docs/protocol.md, "Tokens"): JWTs. Signature, times and audience are verified before any claim is used.
 * Keys in a header (`jwk`, `jku`, `x5u`, …) are ignored, and no message quotes a token.
 */
import {
  type CompactVerifyResult,
  type CryptoKey,
  compactVerify,
  decodeProtectedHeader,
  errors,
  type JWTHeaderParameters,
} from 'jose';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type { Identity, PathToken, TokenReader } from '../../core/access/identity.js';
import { Semaphore } from '../../core/data/semaphore.js';
import type { Clock } from '../../core/time/clock.js';
import { utf8Of } from '../../http/utf8.js';
import { identityOf, pathTokenOf } from './token-claims.js';
import type { TokenKeys } from './token-keys.js';
import { bad, type Claims, type Lifespan, lifespanOf } from './token-times.js';

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
const NOT_A_JWT = bad('this is not a JWT');

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
      const verified = await this.#semaphore.run(() => this.#verify(token, key.value), waiting);
      if (verified === null) return { error: errorBody('too_many_tokens') };
      const claims = this.#claimsOf(verified.payload);
      if ('error' in claims) return claims;
      const { clock, maxAgeMs } = this.#options;
      const lifespan = lifespanOf(claims.value, { now: clock.now(), maxAgeMs });
      return 'error' in lifespan ? lifespan : parse(claims.value, lifespan.value);
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed)
        return bad('its signature matches no secret or key of this server');
      return error instanceof errors.JWSInvalid || error instanceof TypeError
        ? NOT_A_JWT
        : bad('it cannot be verified');
    }
  }

  #verify(token: string, key: CryptoKey | Uint8Array): Promise<CompactVerifyResult> {
    return compactVerify(token, key, { algorithms: [...this.#options.keys.algorithms] });
  }

  /** Returns the claims of a verified token, after checking for whom it is and who issued it. */
  #claimsOf(payload: Uint8Array): Outcome<Claims> {
    const { audience, issuer } = this.#options;
    const claims = objectOf(payload);
    if (claims === null) return bad('its claims are not a JSON object');
    const { aud, iss } = claims;
    if (![aud].flat().includes(audience))
      return bad(`its audience (aud) must be "${audience}" (tokenAudience)`);
    if (issuer !== undefined && iss !== issuer)
      return bad(`its issuer (iss) must be "${issuer}" (tokenIssuer)`);
    return { value: claims };
  }
}

/** Returns the header of a token, which is not verified yet. */
function headerOf(token: string): Outcome<JWTHeaderParameters> {
  if (token.length > LIMITS.tokenCharacters)
    return bad(`it has more than ${LIMITS.tokenCharacters} characters`);
  if (!SHAPE.test(token)) return NOT_A_JWT;
  const header = decodeProtectedHeader(token);
  // An unknown critical extension must be refused (RFC 7515, 4.1.11), and this server knows none.
  if (header.crit === undefined) return { value: header as JWTHeaderParameters };
  return bad('its header has critical extensions (crit), which this server does not support');
}

function objectOf(payload: Uint8Array): Claims | null {
  try {
    const claims: unknown = JSON.parse(utf8Of(payload) ?? '');
    return typeof claims === 'object' && !Array.isArray(claims) ? (claims as Claims | null) : null;
  } catch {
    return null;
  }
}
