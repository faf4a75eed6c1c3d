/**
 * A published set of keys (JWKS, RFC 7517), immutable. It holds public keys of RS256, ES256 and EdDSA only. A secret in
 * it is ignored, since it has been published; a set with a private key is refused as a whole.
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
import { z } from 'zod';
import type { Outcome } from '../../../../protocol/codes.js';
import { parseJson } from '../../http/utf8.js';
import { bad } from './token-times.js';

/** The algorithms with public keys. */
export const PUBLIC_ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'];

/** The largest set, in bytes. */
export const MAX_SET_BYTES = 256 * 1024;

/** Thrown when no keys can be used; the message names their place and the fault, or follows the name of their place. */
export class TokenKeysError extends Error {
  override readonly name = 'TokenKeysError';
}

/** A source of published keys. Never rejects; null while no keys are available. */
export interface KeySource {
  /** Returns the known keys. */
  keys(): Promise<KeySet | null>;
  /** Returns the keys for a token that names an unknown one, after reloading them if that is due. */
  newerKeys(): Promise<KeySet | null>;
  /** Starts loading. Idempotent. */
  start(): void;
  /** Stops loading. Idempotent. */
  stop(): Promise<void>;
}

const setSchema = z.object({ keys: z.array(z.looseObject({})) });
type Members = Readonly<Record<string, unknown>>;

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'];
/** The members of a key that are used; all others are dropped. */
const MEMBERS = ['kty', 'crv', 'n', 'e', 'x', 'y', 'kid', 'alg', 'use', 'key_ops'];
const MIN_RSA_BITS = 2_048;

/** The keys of a set. */
export class KeySet {
  /** The keys that are not used, and why; for the log. */
  readonly ignored: readonly string[];
  /** The number of usable keys. */
  readonly size: number;
  readonly #kids: ReadonlySet<unknown>;
  readonly #keys: LocalJWKSet;

  /** @throws TokenKeysError */
  constructor(text: string) {
    const keys = keysOf(text);
    if (keys.some((key) => PRIVATE_MEMBERS.some((member) => Object.hasOwn(key, member)))) {
      throw new TokenKeysError('holds a private key: publish public keys only');
    }
    const faults = keys.map(faultOf);
    const usable = keys.filter((_, i) => faults[i] === null).map(cleaned);
    this.ignored = faults.flatMap((fault, i) => (fault === null ? [] : [`key ${i + 1} ${fault}`]));
    this.size = usable.length;
    this.#kids = new Set(keys.map(({ kid }) => kid));
    this.#keys = createLocalJWKSet({ keys: usable });
  }

  /** Returns whether a key has this id, usable or not. */
  has(kid: string): boolean {
    return this.#kids.has(kid);
  }

  /** Returns the one key that matches a token's header. Errors: `bad_token`. */
  async find(header: JWTHeaderParameters): Promise<Outcome<CryptoKey>> {
    try {
      return { value: await this.#keys(header) };
    } catch (error) {
      const isUnclear = error instanceof errors.JWKSMultipleMatchingKeys;
      return bad(
        isUnclear
          ? 'several keys match it, so its header must name one (kid)'
          : 'no key of this server matches its header (kid, alg)',
      );
    }
  }
}

function keysOf(text: string): Members[] {
  const { data } = setSchema.safeParse(parseJson(text));
  if (data === undefined) throw new TokenKeysError('is not a key set such as {"keys": [{…}]}');
  return data.keys;
}

/** Returns why a key is ignored; null for a usable key. */
function faultOf(key: Members): string | null {
  const { kty, crv, alg, use, key_ops: uses } = key;
  if (kty === 'oct') return 'is a secret: publish public keys only';
  const own = algorithmOf(kty, crv);
  if (own === null || (alg !== undefined && alg !== own)) {
    return `is not for ${PUBLIC_ALGORITHMS.join(', ')}`;
  }
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes('verify'))) {
    return 'is not for verifying signatures';
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
    if (bits < MIN_RSA_BITS) return `has ${bits} bits, at least ${MIN_RSA_BITS} are required`;
    return publicExponent < 3n ? 'has an exponent below 3' : null;
  } catch {
    return 'is damaged';
  }
}

function cleaned(key: Members): JWK {
  return Object.fromEntries(Object.entries(key).filter(([name]) => MEMBERS.includes(name))) as JWK;
}
