/** The keys that open the back end's API, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The known keys. */
export class ApiKeys {
  readonly #digests: readonly Buffer[];

  /** At least one. */
  constructor(keys: readonly string[]) {
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
