/**
 * Finds the key that verifies a token. Secrets serve HS256 only; published keys serve all other algorithms and never
 * HS256. So no attacker can use a public key as a secret.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CryptoKey, JWTHeaderParameters } from 'jose';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { type KeySource, PUBLIC_ALGORITHMS, TokenKeysError } from './key-set.js';
import { keySetFile } from './key-set-file.js';
import { KeyUrl } from './key-url.js';
import { bad } from './token-times.js';

/** Where keys come from: `secrets`, `location` or both. */
export interface TokenKeysOptions {
  /** The secrets of HS256, at least 32 characters each; any of them verifies. Without secrets HS256 is refused. */
  readonly secrets: readonly string[];
  /** The file or http(s) URL of a JWKS; null to accept HS256 only. */
  readonly location: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

const SECRET_ALGORITHM = 'HS256';

/** The keys that verify tokens. */
export class TokenKeys {
  /** The accepted algorithms. */
  readonly algorithms: readonly string[];
  readonly #secrets: readonly Uint8Array[];
  readonly #source: KeySource | null;

  /** Reads the file of keys if `location` names one. @throws TokenKeysError */
  constructor({ secrets, location, clock, log }: TokenKeysOptions) {
    if (secrets.length === 0 && location === null)
      throw new TokenKeysError('tokens need a secret (tokenSecret) or published keys (tokenKeys)');
    this.#secrets = secrets.map((secret) => new TextEncoder().encode(secret));
    this.#source = location === null ? null : sourceOf(location, { clock, log });
    this.algorithms = [
      ...(secrets.length === 0 ? [] : [SECRET_ALGORITHM]),
      ...(location === null ? [] : PUBLIC_ALGORITHMS),
    ];
  }

  /** Starts fetching the keys of a URL, so that faults are logged at once, or watching their file. Idempotent. */
  start(): void {
    this.#source?.start();
  }

  /** Stops that. Idempotent. */
  async stop(): Promise<void> {
    await this.#source?.stop();
  }

  /** Returns the key for a token and its header. Errors: `bad_token`, `keys_unavailable`. Never rejects. */
  async find(header: JWTHeaderParameters, token = ''): Promise<Outcome<CryptoKey | Uint8Array>> {
    if (!this.algorithms.includes(header.alg)) {
      return bad(`its algorithm (alg) must be one of ${this.algorithms.join(', ')}`);
    }
    const source = header.alg === SECRET_ALGORITHM ? null : this.#source;
    return source === null ? { value: this.#secretOf(token) } : findPublished(source, header);
  }

  /** Returns the secret that has signed `token`, else the first one, with which verification then fails. */
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
  // A concurrent fetch may have found the key meanwhile.
  return keys === null ? { error: errorBody('keys_unavailable') } : keys.find(header);
}

function sourceOf(location: string, options: { clock: Clock; log: Log }): KeySource {
  return /^https?:/i.test(location) ? new KeyUrl(location, options) : keySetFile(location, options);
}
