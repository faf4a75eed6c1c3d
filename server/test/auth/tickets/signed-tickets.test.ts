import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignedTickets } from '../../../src/auth/tickets/signed-tickets.js';
import { FakeClock } from '../../support/fake-clock.js';

const LIFETIME_MS = 300_000;

function setUp() {
  const clock = new FakeClock();
  const secrets = [Buffer.alloc(32, 1)];
  const tickets = new SignedTickets({ clock, lifetimeMs: LIFETIME_MS, secrets: () => secrets });
  const claims = {
    id: 'session-1',
    connection: 3,
    issuedAt: clock.now(),
    user: 'ada',
    grants: ['a', 'räume/👋'],
    denied: [{ path: 'b', at: 7 }],
    login: 'device',
    identity: {
      source: 'webhook' as const,
      ...{ user: 'ada', login: 'device', info: { name: 'Ada' }, grants: ['c/{d}'] },
      ...{ at: 5, expiresAt: 9 },
    },
  };
  return { clock, secrets, tickets, claims, ticket: tickets.issue(claims) };
}

/** A ticket whose signature is good, whatever it says. */
function signed(secret: Buffer, content: unknown): string {
  const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString(
    'base64url',
  );
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

const BAD = { fault: 'bad_ticket' };

describe('a ticket', () => {
  it('says again what was put into it, and travels in a text without surprises', () => {
    const { tickets, claims, ticket } = setUp();
    expect(tickets.read(ticket)).toEqual({ claims });
    expect(ticket).toMatch(/^[\w-]+\.[\w-]+$/);
  });

  it('is good until its life is over, and then still says whose it was', () => {
    const { clock, tickets, claims, ticket } = setUp();
    clock.spend(LIFETIME_MS - 1);
    expect(tickets.read(ticket)).toEqual({ claims });
    clock.spend(1);
    expect(tickets.read(ticket)).toEqual({ fault: 'expired_ticket', claims });
  });

  it('is bad when it is cut anywhere', () => {
    const { tickets, ticket } = setUp();
    for (let length = 0; length < ticket.length; length++) {
      expect(tickets.read(ticket.slice(0, length)), `${length} characters`).toEqual(BAD);
    }
  });

  it('is bad when any character of its content is another', () => {
    const { tickets, ticket } = setUp();
    const content = ticket.indexOf('.');
    for (let at = 0; at < content; at++) {
      const other = ticket[at] === 'A' ? 'B' : 'A';
      expect(tickets.read(ticket.slice(0, at) + other + ticket.slice(at + 1))).toEqual(BAD);
    }
  });

  it('is bad when it is signed with another secret, or has more parts', () => {
    const { tickets, claims, ticket } = setUp();
    const stranger = new SignedTickets({
      clock: new FakeClock(),
      lifetimeMs: 1,
      secrets: () => [Buffer.alloc(32, 9)],
    });
    expect(tickets.read(stranger.issue(claims))).toEqual(BAD);
    expect(tickets.read(`${ticket}.x`)).toEqual(BAD);
    expect(tickets.read(`${ticket}.`)).toEqual(BAD);
  });

  it('survives one change of the secret, and not the second', () => {
    const { secrets, tickets, claims, ticket } = setUp();
    secrets.unshift(Buffer.alloc(32, 2));
    expect(tickets.read(ticket)).toEqual({ claims });
    expect(tickets.read(tickets.issue(claims))).toEqual({ claims });
    secrets.unshift(Buffer.alloc(32, 3));
    secrets.length = 2;
    expect(tickets.read(ticket)).toEqual(BAD);
  });

  it('is signed with the newest secret', () => {
    const { secrets, tickets, claims } = setUp();
    secrets.unshift(Buffer.alloc(32, 2));
    const ticket = tickets.issue(claims);
    secrets.length = 1;
    expect(tickets.read(ticket)).toEqual({ claims });
  });

  it('carries grants that a session may have, in any script', () => {
    const { tickets, claims } = setUp();
    const grants = Array.from({ length: 60 }, (_, i) => `${'日'.repeat(80)}${i}`);
    expect(tickets.read(tickets.issue({ ...claims, grants }))).toEqual({ claims: { ...claims, grants } });
  });

  it('may carry no grants and no user', () => {
    const { tickets, claims } = setUp();
    const bare = { ...claims, user: null, grants: null, login: null, identity: null };
    expect(tickets.read(tickets.issue(bare))).toEqual({ claims: bare });
  });
});

describe('reading', () => {
  it('never throws, and takes nothing that was not signed here', () => {
    const { tickets, ticket } = setUp();
    const [body, signature] = ticket.split('.');
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.tuple(fc.string(), fc.string()).map((parts) => parts.join('.')),
      fc.string().map((text) => `${body}.${text}`),
      fc.string({ minLength: 1 }).map((text) => `${text}${body}.${signature}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(tickets.read(text)).toEqual(BAD);
      }),
      { numRuns: 3_000 },
    );
  });

  it('never throws for signed nonsense either, as another version may have written', () => {
    const { secrets, tickets } = setUp();
    const secret = secrets[0] as Buffer;
    const fields = { v: 2, id: 'x', c: 1, iat: 1, u: null, g: null };
    const contents = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.jsonValue(),
      fc.record({
        v: fc.jsonValue(),
        id: fc.jsonValue(),
        c: fc.jsonValue(),
        iat: fc.jsonValue(),
        u: fc.jsonValue(),
      }),
      fc.constantFrom<unknown>(
        { ...fields, v: 3 },
        { ...fields, more: 1 },
        { ...fields, id: '' },
        { ...fields, iat: -1 },
      ),
    );
    const property = fc.property(contents, (content) => {
      expect(tickets.read(signed(secret, content))).toEqual(BAD);
    });
    fc.assert(property, { numRuns: 1_000 });
    expect(tickets.read(signed(secret, fields))).toMatchObject({ fault: 'expired_ticket' });
  });

  it('does no work for what is far too long', () => {
    const { tickets } = setUp();
    expect(tickets.read('x'.repeat(1_000_000))).toEqual(BAD);
  });
});
