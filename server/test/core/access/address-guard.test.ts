/** One address holds so much of what has no user; others have their places. */
import { describe, expect, it } from 'vitest';
import {
  ADDRESS_CONNECTIONS,
  ADDRESS_IDLE_SESSIONS,
  ADDRESS_OPENS_PER_SECOND,
  ADDRESS_WAITING_PATHS,
} from '../../../src/core/access/address-guard.js';
import type { OpenOutcome } from '../../../src/core/sessions/handshake.js';
import { FakeCarrier } from '../../support/fake-carrier.js';
import { sessionToken } from '../../support/fake-tokens.js';
import { createWorld, type World, type WorldOptions } from '../../support/world.js';

const bounded = (options: WorldOptions = {}): World => createWorld({ isShared: () => false, ...options });
const from = (address: string) => new FakeCarrier({ address });
const codeOf = (outcome: OpenOutcome): string => ('error' in outcome ? outcome.error.code : 'opened');

/** Opens sessions from an address, slowly, until one is refused. */
function openUntilRefused(
  world: World,
  address: string,
  paths: { path: string }[] = [],
): { count: number; outcome: OpenOutcome } {
  for (let count = 0; ; count++) {
    if (count % (ADDRESS_OPENS_PER_SECOND / 2) === 0) world.clock.spend(1_000);
    const outcome = world.tryOpen({ paths }, from(address));
    if ('error' in outcome || count > 10_000) return { count, outcome };
  }
}

describe('one address', () => {
  it('has so many idle sessions, told with a code of its own; others open theirs', () => {
    const world = bounded();
    const { count, outcome } = openUntilRefused(world, '192.0.2.1');
    expect(count).toBe(ADDRESS_IDLE_SESSIONS);
    expect(outcome).toMatchObject({
      error: { code: 'address_sessions' },
      close: 'busy',
      reconnectAfterMs: 2_000,
    });
    expect(codeOf(world.tryOpen({}, from('::ffff:192.0.2.1')))).toBe('address_sessions');
    expect(codeOf(world.tryOpen({}, from('192.0.2.2')))).toBe('opened');
  });

  it('has another one when one of them has ended, has a user or a subscription', () => {
    const world = bounded();
    const clients = Array.from({ length: ADDRESS_IDLE_SESSIONS }, (_, i) => {
      if (i % 100 === 0) world.clock.spend(1_000);
      return world.open({}, { address: '192.0.2.1' });
    });
    const frees: ((id: string) => void)[] = [
      (id) => void world.sessions.admin.kick(id, true),
      (id) => void world.connect(id, [], 'ann'),
      (id) => void world.connect(id, ['a']),
    ];
    for (const [i, free] of frees.entries()) {
      world.clock.spend(1_000);
      expect(codeOf(world.tryOpen({}, from('192.0.2.1')))).toBe('address_sessions');
      free(clients[i]?.session.id ?? '');
      expect(codeOf(world.tryOpen({}, from('192.0.2.1')))).toBe('opened');
    }
  });

  it('has so many connections of sessions without a user', () => {
    const world = bounded();
    const { count, outcome } = openUntilRefused(world, '2001:db8::1', [{ path: 'public' }]);
    expect([count, codeOf(outcome)]).toEqual([ADDRESS_CONNECTIONS, 'address_connections']);
    expect(codeOf(world.tryOpen({}, from('2001:db8::2')))).toBe('address_connections');
    expect(codeOf(world.tryOpen({}, from('2001:db8:0:1::1')))).toBe('opened');
  });

  it('opens fewer in a second when they name many paths', () => {
    const world = bounded();
    const paths = Array.from({ length: 950 }, (_, i) => ({ path: `public/${i}` }));
    let opened = 0;
    while (codeOf(world.tryOpen({ paths }, from('192.0.2.1'))) === 'opened') opened++;
    expect(opened).toBe(ADDRESS_OPENS_PER_SECOND / 20);
    expect(codeOf(world.tryOpen({ paths }, from('192.0.2.1')))).toBe('address_opens');
    expect(codeOf(world.tryOpen({ paths }, from('192.0.2.2')))).toBe('opened');
    world.clock.spend(1_000);
    expect(codeOf(world.tryOpen({ paths }, from('192.0.2.1')))).toBe('opened');
  });

  it('has so many paths that wait for the back end; another address has its own', () => {
    const world = bounded();
    const paths = Array.from({ length: 900 }, (_, i) => ({ path: `secret/${i}` }));
    const pending = (address: string): number => {
      const client = world.open({ paths }, { address });
      return client
        .frames()
        .flatMap((frame) => ('type' in frame && frame.type === 'pending' ? frame.paths : [])).length;
    };
    let waiting = 0;
    for (let i = 0; i < 20; i++) {
      waiting += pending('192.0.2.1');
      world.clock.spend(1_000 / 8); // no more openings than an address may
    }
    expect([waiting, world.counters.pending]).toEqual([ADDRESS_WAITING_PATHS, ADDRESS_WAITING_PATHS]);
    const [refused] = world.open({ paths }, { address: '192.0.2.1' }).told('refused');
    expect(refused?.['paths']).toContainEqual(expect.objectContaining({ code: 'address_subscriptions' }));
    expect(pending('192.0.2.2')).toBe(900);
    world.clock.advance(60_000); // they have waited in vain
    expect(pending('192.0.2.1')).toBe(900);
  });

  it('opens so many in a second; sessions that live here come back whatever the others do', () => {
    const world = bounded();
    const client = world.open({}, { address: '192.0.2.1' });
    const ticket = client.ticket();
    const codes = Array.from({ length: ADDRESS_OPENS_PER_SECOND }, () =>
      codeOf(world.tryOpen({}, from('192.0.2.1'))),
    );
    expect(codes.at(-1)).toBe('address_opens');
    expect(codes.at(-2)).toBe('opened');
    expect(codeOf(world.tryOpen({ ticket }, from('192.0.2.1')))).toBe('opened');
    expect(codeOf(world.tryOpen({}, from('192.0.2.2')))).toBe('opened');
    world.clock.spend(1_000);
    expect(codeOf(world.tryOpen({}, from('192.0.2.1')))).toBe('opened');
  });

  it('takes no opening from others: what it is refused does not count for all', () => {
    const world = bounded({ settings: { maxOpensPerSecond: 1_000 } });
    for (let i = 0; i < 5_000; i++) world.tryOpen({}, from('192.0.2.1'));
    expect(codeOf(world.tryOpen({}, from('192.0.2.2')))).toBe('opened');
  });

  it('has so many subscriptions and paths that wait, of sessions without a user', () => {
    const world = bounded({ settings: { maxTotalSubscriptions: 20_000 } });
    const paths = Array.from({ length: 900 }, (_, i) => ({
      path: `${i % 2 === 0 ? 'public' : 'wait'} ${i}`,
    }));
    const clients = [1, 2, 3].map(() => world.open({ paths }, { address: '192.0.2.1' }));
    const refused = (clients[2]?.told('refused') ?? []).flatMap(
      ({ paths: all }) => all as { code: string }[],
    );
    expect(refused).toHaveLength(700);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['address_subscriptions']));
    const other = world.open({ paths }, { address: '192.0.2.2' });
    expect(other.told('refused')).toEqual([]);
    clients[0]?.send({ type: 'close' });
    clients[2]?.want('public again');
    expect(clients[2]?.told('subscribed')).toHaveLength(1);
  });

  it('is not asked for when a session has a user', async () => {
    const world = bounded({ settings: { maxTotalSubscriptions: 20_000 } });
    const paths = Array.from({ length: 900 }, (_, i) => ({ path: `public ${i}` }));
    for (let i = 0; i < 5; i++) {
      const client = await world.openAsked(
        { token: sessionToken({ user: 'ann' }), paths },
        { address: '192.0.2.1' },
      );
      expect(client.told('refused')).toEqual([]);
    }
  });

  it('that many clients share is not bounded', () => {
    const world = createWorld({ isShared: (address) => address === '127.0.0.1' });
    const codes = Array.from({ length: 3_000 }, () => codeOf(world.tryOpen({}, from('127.0.0.1'))));
    expect(new Set(codes)).toEqual(new Set(['opened']));
  });

  it('moves with its session, and holds nothing when all has ended', () => {
    const world = bounded();
    const client = world.open({ paths: [{ path: 'public' }] }, { address: '192.0.2.1' });
    const again = world.open({ ticket: client.ticket() }, { address: '192.0.2.9' });
    expect(again.session).toBe(client.session);
    expect(again.session.countedAt).toBe('192.0.2.9');
    again.send({ type: 'close' });
    world.clock.advance(2_000);
    world.tryOpen({}, from('192.0.2.5'));
    // One open, one idle session, one connection of the last address.
    expect(world.guard.size).toBe(3);
  });
});

describe('subscriptions of all sessions', () => {
  it('that are as many as there may be are told with a retryable code of their own', () => {
    const world = createWorld({ settings: { maxTotalSubscriptions: 3 } });
    const client = world.open({ paths: ['a', 'b', 'c', 'd'].map((name) => ({ path: `public ${name}` })) });
    expect(client.told('refused')).toMatchObject([
      { paths: [{ path: 'public d', code: 'subscriptions_full' }] },
    ]);
  });

  it('of one session keep theirs', () => {
    const world = createWorld({ settings: { maxSubscriptions: 1 } });
    const client = world.open({ paths: ['a', 'b'].map((name) => ({ path: `public ${name}` })) });
    expect(client.told('refused')).toMatchObject([{ paths: [{ code: 'too_many_subscriptions' }] }]);
  });
});
