import { describe, expect, it } from 'vitest';
import { createWorld, type World } from '../../support/world.js';

const claims = (world: World, ticket: unknown) => {
  const verdict = world.tickets.read(String(ticket));
  if (!('claims' in verdict)) throw new Error(verdict.fault);
  return verdict.claims;
};

describe('a ticket', () => {
  it('says whose it is, which connection it was made for, and what was granted', () => {
    const world = createWorld();
    const first = world.open();
    world.connect(first.session.id, ['a', 'b'], 'ada');
    const second = world.open({ ticket: first.ticket() });
    expect(claims(world, second.ticket())).toEqual({
      id: 'session-1',
      connection: 2,
      issuedAt: world.clock.now(),
      user: 'ada',
      grants: ['a', 'b'],
      denied: [],
      login: null,
      identity: null,
    });
  });

  it('only names the session when tickets are switched off, and brings it back to nobody who has forgotten it', () => {
    const world = createWorld({ settings: { ticketsCarryGrants: false } });
    const client = world.open();
    const second = world.open({ ticket: client.ticket() });
    const ticket = second.ticket();
    world.connect('session-1', ['granted'], 'ada');
    expect(second.told('ticket'), 'nothing in it has changed').toEqual([]);
    expect(claims(world, world.open({ ticket }).ticket())).toMatchObject({
      id: 'session-1',
      user: null,
      grants: null,
      denied: [],
      login: null,
      identity: null,
    });
    expect(second.session.paths.permissions.granted, 'the server itself knows').toEqual(new Set(['granted']));
    const forgotten = world.restart().open({ ticket, paths: [{ path: 'granted' }] });
    expect(forgotten.frames()).toMatchObject([
      { type: 'opened', resumed: false, refused: 'unknown_session' },
      { type: 'pending', paths: ['granted'] },
    ]);
    expect(forgotten.session).toMatchObject({ user: null });
    expect(forgotten.session.id).not.toBe('session-1');
  });

  it('is renewed at once when grants change, and then once for all changes of a second', () => {
    const world = createWorld();
    const client = world.open();
    client.frames();
    for (let i = 0; i < 20; i++) {
      world.connect(client.session.id, [`a${i}`], null);
      world.clock.advance(20);
    }
    expect(client.told('ticket').map(({ ticket }) => claims(world, ticket).grants)).toEqual([['a0']]);
    world.clock.advance(1_000);
    const [renewed, ...more] = client.told('ticket');
    expect(more).toEqual([]);
    expect(claims(world, renewed?.['ticket']).grants).toHaveLength(20);
    world.clock.advance(10_000);
    expect(client.told('ticket')).toEqual([]);
  });

  it('is renewed when a grant is taken', async () => {
    const world = createWorld();
    const client = world.open();
    world.connect(client.session.id, ['a', 'b'], null);
    world.clock.advance(1_500);
    client.frames();
    await world.sessions.admin.disconnect(client.session.id, ['a'], null);
    world.clock.advance(1_500);
    expect(claims(world, client.ticket()).grants).toEqual(['b']);
  });

  it('is renewed when half of its life has passed', () => {
    const world = createWorld();
    const client = world.open({}, { isPinged: false });
    client.frames();
    world.clock.advance(149_000);
    expect(client.told('ticket')).toEqual([]);
    world.clock.advance(7_000);
    expect(client.told('ticket')).toHaveLength(1);
    world.clock.advance(140_000);
    expect(client.told('ticket')).toEqual([]);
  });

  it('is always good while its connection is', () => {
    const world = createWorld();
    const client = world.open({}, { isPinged: false });
    let ticket = client.ticket();
    for (let i = 0; i < 200; i++) {
      world.clock.advance(7_000);
      ticket = String(client.told('ticket').at(-1)?.['ticket'] ?? ticket);
      expect(world.tickets.read(ticket)).toHaveProperty('claims');
      expect(world.tickets.read(ticket)).not.toHaveProperty('fault');
    }
  });

  it('carries no grants when they are more than 16 KB: a restart then costs one request', () => {
    const world = createWorld();
    const client = world.open();
    const long = (n: number) => Array.from({ length: n }, (_, i) => `${'x'.repeat(196)}${1_000 + i}`);
    world.connect(client.session.id, long(80), null);
    world.clock.advance(1_500);
    expect(claims(world, client.ticket()).grants).toHaveLength(80);
    world.connect(client.session.id, long(90), null);
    world.clock.advance(1_500);
    const ticket = client.ticket();
    expect(claims(world, ticket).grants).toBeNull();
    const again = world.restart().open({ ticket, paths: [{ path: `${'x'.repeat(196)}1000` }] });
    expect(again.told('pending')).toHaveLength(1);
  });

  it('is not sent where nobody is connected, nor to a session that has ended', async () => {
    const world = createWorld();
    const client = world.open();
    world.connect(client.session.id, ['a'], null);
    world.connect(client.session.id, ['b'], null);
    client.told('ticket');
    client.connection.lost();
    world.clock.advance(1_500);
    expect(client.told('ticket')).toEqual([]);
    const other = world.open();
    world.connect(other.session.id, ['a'], null);
    world.connect(other.session.id, ['b'], null);
    other.told('ticket');
    await world.sessions.admin.kick(other.session.id, true);
    world.clock.advance(1_500);
    expect(other.told('ticket')).toEqual([]);
  });
});
