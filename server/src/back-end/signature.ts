/**
 * Signs requests to the back end, which refuses all others: HMAC-SHA256 (RFC 2104) over method, URL, time, nonce and
 * body (docs/protocol.md, "The back end's command view").
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

/** The header with the signature. */
export const SIGNATURE_HEADER = 'Dobby-Signature';

const NONCE_BYTES = 16;

/** The signed parts of a request. */
export interface SignedRequest {
  readonly method: string;
  /** The URL's path and query. */
  readonly target: string;
  readonly body: string;
}

/** Returns the header's value for a request at `now`, milliseconds since 1970. */
export function sign(
  { method, target, body }: SignedRequest,
  {
    secret,
    now,
    nonce = randomBytes(NONCE_BYTES).toString('base64url'),
  }: { secret: string; now: number; nonce?: string },
): string {
  const digest = createHash('sha256').update(body).digest('hex');
  const lines = [method, target, String(now), nonce, digest].join('\n');
  const mac = createHmac('sha256', secret).update(lines).digest('hex');
  return `t=${now},nonce=${nonce},v1=${mac}`;
}
