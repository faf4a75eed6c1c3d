/**
 * A published set of keys (JWKS, RFC 7517), read once and then only asked. It holds public keys of RS256, ES256 and EdDSA and nothing
 * else: a secret in it is ignored, since what is published is none, and a set with a private key is refused as a whole.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type JWK,
  type JWTHeaderParameters,
  type LocalJWKSet,
} from 'jose';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';

/** The algorithms whose keys may be published. */
export const PUBLIC_ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'];

/** How large a set may be. */
export const MAX_SET_BYTES = 256 * 1024;

/** A text is no set of keys; the message goes after the name of where it came from. */
export class KeySetError extends Error {
  override readonly name = 'KeySetError';
}

type Members = Readonly<Record<string, unknown>>;

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];
/** What of a key is looked at: nothing else in it can change what it is taken for. */
const MEMBERS = ['kty', 'crv', 'n', 'e', 'x', 'y', 'kid', 'alg', 'use', 'key_ops'];
const MIN_RSA_BITS = 2_048;

/** The keys of a set. */
export class KeySet {
  /** What in the set no token is checked with, and why; for the log. */
  readonly ignored: readonly string[];
  /** How many keys tokens are checked with. */
  readonly size: number;
  readonly #kids: ReadonlySet<unknown>;
  readonly #keys: LocalJWKSet;

  /** @throws KeySetError */
  constructor(text: string) {
    const keys = keysOf(text);
    if (keys.some((key) => PRIVATE_MEMBERS.some((member) => Object.hasOwn(key, member)))) {
      throw new KeySetError('holds a private key: publish the public ones only');
    }
    const faults = keys.map(faultOf);
    const usable = keys.filter((_, i) => faults[i] === null).map(cleaned);
    this.ignored = faults.flatMap((fault, i) => (fault === null ? [] : [`key ${i + 1} ${fault}`]));
    this.size = usable.length;
    this.#kids = new Set(keys.map(({ kid }) => kid));
    this.#keys = createLocalJWKSet({ keys: usable });
  }

  /** Whether a key has this id, whatever else it is. */
  has(kid: string): boolean {
    return this.#kids.has(kid);
  }

  /** The one key that fits a token's header, or why there is none. */
  async find(header: JWTHeaderParameters): Promise<Outcome<CryptoKey>> {
    try {
      return { value: await this.#keys(header) };
    } catch (error) {
      const isUnclear = error instanceof errors.JWKSMultipleMatchingKeys;
      const message = isUnclear
        ? 'Several keys fit this token: it must name one (kid).'
        : 'There is no key for this token.';
      return { error: errorBody('bad_token', { message }) };
    }
  }
}

function keysOf(text: string): Members[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new KeySetError('is no JSON');
  }
  const keys = isObject(json) ? json['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    throw new KeySetError('is no set of keys: {"keys": [{…}]}');
  }
  return keys;
}

/** Why a key is ignored; null when tokens may be checked with it. */
function faultOf(key: Members): string | null {
  const { kty, crv, alg, use, key_ops: uses } = key;
  if (kty === 'oct') return 'is a secret, and what is published is none';
  const own = algorithmOf(kty, crv);
  if (own === null || (alg !== undefined && alg !== own)) {
    return `is not for ${PUBLIC_ALGORITHMS.join(', ')}`;
  }
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes('verify'))) {
    return 'is not for checking signatures';
  }
  return weaknessOf(key);
}

function algorithmOf(kty: unknown, crv: unknown): string | null {
  if (kty === 'RSA') return 'RS256';
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  return kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : null;
}

function weaknessOf(key: Members): string | null {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: cleaned(key) as JsonWebKey, format: 'jwk' });
    const { modulusLength: bits = MIN_RSA_BITS, publicExponent = 3n } = asymmetricKeyDetails ?? {};
    if (bits < MIN_RSA_BITS) return `has ${bits} bits, which is less than ${MIN_RSA_BITS}`;
    return publicExponent < 3n ? 'has an exponent that protects nothing' : null;
  } catch {
    return 'is damaged';
  }
}

function cleaned(key: Members): JWK {
  return Object.fromEntries(Object.entries(key).filter(([name]) => MEMBERS.includes(name))) as JWK;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
