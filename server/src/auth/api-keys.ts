/** The keys that open the back end's API, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The known keys. */
export class ApiKeys {
  readonly #digests: readonly Buffer[];

  /** @throws Error when there is no key, or one is shorter than 16 characters. */
  constructor(keys: readonly string[]) {
    if (keys.length === 0) throw new Error('there is no API key');
    if (keys.some((key) => key.length < 16)) throw new Error('an API key has at least 16 characters');
    this.#digests = keys.map(digest);
  }

  /** Whether an Authorization header carries a known key, as `Bearer <key>`. */
  admits(authorization: string | undefined): boolean {
    const key = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
    const offered = digest(key);
    let isKnown = false;
    for (const known of this.#digests) if (timingSafeEqual(known, offered)) isKnown = true;
    return isKnown;
  }
}
