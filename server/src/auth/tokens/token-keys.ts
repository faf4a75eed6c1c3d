/**
 * Finds the key that a token is checked with. A secret is for HS256 and nothing else, published keys are for all others and never for
 * HS256: so a public key, which everybody has, can never be taken for a secret.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CryptoKey, JWTHeaderParameters } from 'jose';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { PUBLIC_ALGORITHMS } from './key-set.js';
import { KeySetFile } from './key-set-file.js';
import { type KeySource, TokenKeysError } from './key-source.js';
import { KeyUrl } from './key-url.js';

/** Where keys come from: one of the first two at least. */
export interface TokenKeysOptions {
  /** The secrets of HS256, any of which may have signed, at least 32 characters each; none: such tokens are refused. */
  readonly secrets: readonly string[];
  /** The file or the http(s) URL of a JWKS; null: only tokens of the secret are taken. */
  readonly location: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

const SECRET_ALGORITHM = 'HS256';

/** The keys that tokens are checked with. */
export class TokenKeys {
  /** The algorithms whose tokens may be taken. */
  readonly algorithms: readonly string[];
  readonly #secrets: readonly Uint8Array[];
  readonly #source: KeySource | null;

  /** Reads the file, where the keys are in one. @throws TokenKeysError */
  constructor({ secrets, location, clock, log }: TokenKeysOptions) {
    if (secrets.length === 0 && location === null)
      throw new TokenKeysError('tokens need a secret or tokenKeys');
    this.#secrets = secrets.map((secret) => new TextEncoder().encode(secret));
    this.#source = location === null ? null : sourceOf(location, { clock, log });
    this.algorithms = [
      ...(secrets.length === 0 ? [] : [SECRET_ALGORITHM]),
      ...(location === null ? [] : PUBLIC_ALGORITHMS),
    ];
  }

  /** Fetches the keys of a URL without waiting, so that the log tells at once what is wrong. Idempotent. */
  start(): void {
    this.#source?.start();
  }

  /** Lets go of the connection. Idempotent. */
  async stop(): Promise<void> {
    await this.#source?.stop();
  }

  /** The key for `token`, which has this header, or `bad_token` or `keys_unavailable`. Never rejects. */
  async find(header: JWTHeaderParameters, token = ''): Promise<Outcome<CryptoKey | Uint8Array>> {
    if (!this.algorithms.includes(header.alg)) {
      const message = `The algorithm of this token (alg) is none of ${this.algorithms.join(', ')}.`;
      return { error: errorBody('bad_token', { message }) };
    }
    const source = header.alg === SECRET_ALGORITHM ? null : this.#source;
    return source === null ? { value: this.#secretOf(token) } : findPublished(source, header);
  }

  /** Returns the secret that has signed `token`, else the first, with which its check then fails. */
  #secretOf(token: string): Uint8Array {
    const [first = new Uint8Array(), ...more] = this.#secrets;
    return more.find((secret) => isSignedBy(token, secret)) ?? first;
  }
}

/** Returns whether the HMAC of `token` is that of `secret`. */
function isSignedBy(token: string, secret: Uint8Array): boolean {
  const end = token.lastIndexOf('.');
  const mac = createHmac('sha256', secret).update(token.slice(0, end)).digest();
  const given = Buffer.from(token.slice(end + 1), 'base64url');
  return given.length === mac.length && timingSafeEqual(given, mac);
}

async function findPublished(source: KeySource, header: JWTHeaderParameters): Promise<Outcome<CryptoKey>> {
  const { kid } = header;
  const known = await source.keys();
  const isMissing = known !== null && typeof kid === 'string' && !known.has(kid);
  const keys = isMissing ? await source.newerKeys() : known;
  // Another may have fetched a set that has the key since this one was looked at.
  return keys === null ? { error: errorBody('keys_unavailable') } : keys.find(header);
}

function sourceOf(location: string, parts: { clock: Clock; log: Log }): KeySource {
  return /^https?:/i.test(location)
    ? new KeyUrl({ ...parts, url: location })
    : new KeySetFile({ ...parts, file: location });
}
