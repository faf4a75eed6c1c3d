/**
 * Tickets: `<claims>.<signature>`, both base64url. The claims are JSON; the signature is the HMAC-SHA-256 of the first
 * part. Two generations of secrets verify, so that clients keep their sessions when a secret is replaced.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { TicketClaims, TicketSigner, TicketVerdict } from '../../core/access/ticket.js';
import type { Clock } from '../../core/time/clock.js';
import { identitySchema } from '../../schema.js';

const claimsSchema = z.strictObject({
  v: z.literal(2),
  id: z.string().min(1).max(64),
  c: z.int().min(0),
  iat: z.int().min(0),
  u: z.string().nullable(),
  g: z.array(z.string()).nullable(),
  d: z.array(z.strictObject({ path: z.string(), at: z.int() })).optional(),
  l: z.string().optional(),
  w: identitySchema.optional(),
});

const BAD: TicketVerdict = { fault: 'bad_ticket' };
/** More than any ticket needs: 16 KB of grants and what they cost in JSON and base64. */
const MAX_CHARACTERS = 128 * 1024;

/** Signs and verifies tickets. */
export class SignedTickets implements TicketSigner {
  readonly lifetimeMs: number;
  readonly maxCharacters = MAX_CHARACTERS;
  readonly #clock: Clock;
  readonly #secrets: () => readonly Buffer[];

  /** @param options `secrets` returns the newest secret first; it is called for each ticket */
  constructor(options: { clock: Clock; lifetimeMs: number; secrets: () => readonly Buffer[] }) {
    this.#clock = options.clock;
    this.lifetimeMs = options.lifetimeMs;
    this.#secrets = options.secrets;
  }

  issue({ id, connection, issuedAt, user, grants, denied, login, identity }: TicketClaims): string {
    const more = {
      ...(denied.length > 0 && { d: denied }),
      ...(login !== null && { l: login }),
      ...(identity !== null && { w: identity }),
    };
    const claims = { v: 2, id, c: connection, iat: issuedAt, u: user, g: grants, ...more };
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${body}.${sign(body, this.#secrets()[0] as Buffer).toString('base64url')}`;
  }

  read(ticket: string): TicketVerdict {
    if (ticket.length > MAX_CHARACTERS) return BAD;
    const [body, signature, ...rest] = ticket.split('.');
    if (body === undefined || signature === undefined || rest.length > 0) return BAD;
    if (!this.#isSigned(body, signature)) return BAD;
    const claims = readClaims(body);
    if (claims === null) return BAD;
    if (this.#clock.now() - claims.issuedAt >= this.lifetimeMs) return { fault: 'expired_ticket', claims };
    return { claims };
  }

  #isSigned(body: string, signature: string): boolean {
    const offered = Buffer.from(signature, 'base64url');
    return this.#secrets().some((secret) => {
      const expected = sign(body, secret);
      return offered.length === expected.length && timingSafeEqual(offered, expected);
    });
  }
}

function sign(body: string, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(body).digest();
}

function readClaims(body: string): TicketClaims | null {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  const result = claimsSchema.safeParse(json);
  if (!result.success) return null;
  const { id, c, iat, u, g, d = [], l = null, w = null } = result.data;
  return { id, connection: c, issuedAt: iat, user: u, grants: g, denied: d, login: l, identity: w };
}
