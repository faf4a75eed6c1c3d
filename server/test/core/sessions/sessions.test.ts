import { describe, expect, it } from 'vitest';
import { createWorld } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

describe('opening', () => {
  it('gives an id, a ticket and the number of the connection, before anything else', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    expect(client.frames()).toEqual([
      {
        type: 'opened',
        id: 'session-1',
        ticket: expect.stringMatching(/^[\w-]+\.[\w-]+$/),
        connection: 1,
        resumed: false,
        received: 0,
        pingIntervalMs: 25_000,
      },
      { type: 'subscribed', paths: [{ path: 'public', position: at(0) }] },
    ]);
    expect(world.counters).toMatchObject({ opened: 1, resumed: 0, subscriptions: 1 });
  });

  it('is refused above the bound of sessions without a subscription', () => {
    const world = createWorld({ settings: { maxIdleSessions: 2 } });
    const [idle] = [1, 2].map(() => world.open());
    expect(world.tryOpen({})).toMatchObject({ error: { code: 'too_many_sessions' }, close: 'busy' });
    idle?.want('public');
    world.open({ paths: [{ path: 'public' }] });
    world.open();
    idle?.session.paths.unwant(['public']);
    expect(world.tryOpen({})).toMatchObject({ error: { code: 'too_many_sessions' }, close: 'busy' });
  });

  it('of a raw stream gives no ticket, no "opened" and no id that could be resumed', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] }, { isRaw: true, isPinged: false });
    world.publish('public', 1);
    expect(client.frames()).toMatchObject([{ type: 'subscribed' }, { message: 1 }]);
    world.connect(client.session.id, ['granted'], null);
    world.clock.advance(200_000);
    expect(client.told('ticket')).toEqual([]);
    client.connection.lost();
    expect(client.session.isEnded).toBe(true);
    expect(world.sessions.all.size).toBe(0);
    expect(world.journal, 'nobody holds a ticket for it').toEqual([]);
  });
});

describe('ending', () => {
  it('by a kick closes the connection and revokes the id before it answers', async () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    const ticket = client.ticket();
    expect(await world.sessions.admin.kick('session-1', true)).toEqual({ value: 1 });
    expect(world.journal).toMatchObject([{ id: 'session-1' }]);
    expect(client.frames()).toMatchObject([{ type: 'closing', code: 4100 }]);
    expect(world.counters.subscriptions).toBe(0);
    expect(world.open({ ticket }).told('opened')).toMatchObject([
      { resumed: false, refused: 'revoked_ticket' },
    ]);
  });

  it('by a kick is answered the same when the first answer was lost, and can be made final', async () => {
    const world = createWorld();
    const ticket = world.open().ticket();
    for (const ended of [1, 0])
      expect(await world.sessions.admin.kick('session-1', true)).toEqual({ value: ended });
    expect(world.tryOpen({ ticket })).toMatchObject({ session: { id: 'session-2' } });
    await world.sessions.admin.kick('session-1', false);
    expect(world.tryOpen({ ticket })).toMatchObject({ close: 'dismissed' });
    expect(await world.sessions.admin.kick('nobody', true)).toMatchObject({
      error: { code: 'unknown_session' },
    });
  });

  it('by a kick for good refuses the ticket for good', async () => {
    const world = createWorld();
    const client = world.open();
    const ticket = client.ticket();
    await world.sessions.admin.kick('session-1', false);
    expect(client.carrier.closing?.code).toBe(4201);
    const refused = { error: { code: 'revoked_ticket' }, close: 'dismissed' };
    expect(world.tryOpen({ ticket })).toMatchObject(refused);
    expect(world.restart().tryOpen({ ticket })).toMatchObject(refused);
  });

  it('by its client is for good too, and at once', () => {
    const world = createWorld();
    const client = world.open();
    expect(client.send({ type: 'close' })).toBeNull();
    expect(client.carrier.closing?.code).toBe(4203);
    expect(world.sessions.all.size).toBe(0);
  });

  it('is told to the log when nobody waits for its record, and to the caller when one does', async () => {
    const world = createWorld();
    world.journal.push = () => {
      throw new Error('the disk is full');
    };
    world.open().send({ type: 'close' });
    await Promise.resolve();
    await expect(world.sessions.admin.kick(world.open().session.id, true)).rejects.toThrow(
      'the disk is full',
    );
    expect(world.faults).toHaveLength(1);
  });

  it('of the server sends everybody away, each with a time of its own to come back', () => {
    const world = createWorld();
    const clients = [1, 2, 3].map(() => world.open());
    clients.push(world.open({ paths: [{ path: 'public' }] }, { isRaw: true }));
    world.sessions.freeze(2_000);
    expect(world.sessions.slotsMs).toBe(2_800);
    world.sessions.sendAway();
    const closing = clients.map(({ carrier }) => carrier.closing);
    expect(closing).toMatchObject(
      [2_100, 2_300, 2_500, 2_700].map((reconnectAfterMs) => ({ code: 4000, reconnectAfterMs })),
    );
    expect(world.sessions.connections).toBe(0);
    const refused = { error: { code: 'restarting' }, close: 'restarting', reconnectAfterMs: 2_400 };
    expect(world.tryOpen({}), 'whoever comes now').toMatchObject(refused);
  });

  it('of the server gives slots no faster than connections are admitted', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 50 } });
    const clients = Array.from({ length: 4 }, () => {
      world.clock.advance(1_000);
      return Array.from({ length: 25 }, () => world.open());
    }).flat();
    world.sessions.freeze(500);
    expect(world.sessions.sendAway(60)).toBe(true);
    expect(world.sessions.connections).toBe(40);
    expect(world.sessions.sendAway(60)).toBe(false);
    const slots = clients.map(({ carrier }) => carrier.closing?.reconnectAfterMs ?? 0);
    for (const [index, slot] of slots.entries()) expect(slot).toBe(510 + 20 * index);
  });
});

describe('the bound of sessions that hear nothing', () => {
  it('counts a session again once its last subscription has ended, and no longer once it has one', () => {
    const world = createWorld({ settings: { maxIdleSessions: 1 } });
    const client = world.open();
    expect(world.tryOpen({})).toMatchObject({ error: { code: 'too_many_sessions' } });
    client.session.paths.want([{ path: 'public' }]);
    const other = world.open();
    expect(world.tryOpen({})).toMatchObject({ error: { code: 'too_many_sessions' } });
    other.session.paths.want([{ path: 'public' }]);
    client.session.paths.unwant(['public']);
    expect(world.tryOpen({})).toMatchObject({ error: { code: 'too_many_sessions' } });
  });
});

describe('the bound of all subscriptions together', () => {
  it('counts what is subscribed and what is pending, of every session', () => {
    const world = createWorld({ settings: { maxTotalSubscriptions: 3 } });
    const one = world.open({ paths: [{ path: 'public-1' }, { path: 'pending' }] });
    const two = world.open({ paths: [{ path: 'public-2' }, { path: 'public-3' }, { path: 'pending' }] });
    expect(two.told('refused')).toMatchObject([
      { paths: ['public-3', 'pending'].map((path) => ({ path, code: 'subscriptions_full' })) },
    ]);
    one.send({ type: 'close' });
    two.want('public-3', 'pending');
    expect(two.told('refused')).toEqual([]);
    expect(world.counters).toMatchObject({ subscriptions: 2, pending: 1 });
    world.clock.advance(10_500);
    expect(world.counters.pending).toBe(0);
  });
});

describe('a back end', () => {
  it('binds a session to the first user it names, and nothing of a request for another takes effect', async () => {
    const world = createWorld();
    const { session } = world.open();
    expect(await world.connect(session.id, ['a'], null)).toMatchObject({ value: [{ path: 'a' }] });
    expect(await world.connect(session.id, ['b'], 'ada')).toMatchObject({ value: [{ path: 'b' }] });
    expect(await world.connect(session.id, ['c'], 'eve')).toMatchObject({
      error: { code: 'user_mismatch' },
    });
    expect([...session.paths.permissions.granted]).toEqual(['a', 'b']);
    expect(await world.connect(session.id, ['c'], null)).toMatchObject({
      error: { code: 'user_mismatch' },
    });
    expect(await world.connect(session.id, ['c'])).toMatchObject({ value: [{ path: 'c' }] });
    expect(session.user).toBe('ada');
  });

  it('takes nothing from a session that is bound to another user than it names', async () => {
    const world = createWorld();
    const { session } = world.open();
    world.connect(session.id, ['a', 'b'], 'ada');
    expect(await world.sessions.admin.disconnect(session.id, ['a'], 'eve')).toMatchObject({
      error: { code: 'user_mismatch' },
    });
    expect(await world.sessions.admin.disconnect(session.id, ['b'], 'ada')).toMatchObject({
      value: [{ wasSubscribed: true }],
    });
    expect([...session.paths.permissions.granted]).toEqual(['a']);
  });

  it('is told of a session that is not known', async () => {
    const { sessions } = createWorld();
    const unknown = { error: { code: 'unknown_session' } };
    expect(sessions.connect('nobody', ['a'], null)).toMatchObject(unknown);
    expect(await sessions.admin.disconnect('nobody', ['a'], null)).toMatchObject(unknown);
  });

  it('is answered "disconnect" once what was taken is recorded, and only that', async () => {
    const world = createWorld();
    const { id } = world.open().session;
    await world.sessions.admin.disconnect(id, ['a', '::x'], null);
    expect(world.journal).toMatchObject([{ id, path: 'a' }]);
  });

  it('can hand a message to one session alone', () => {
    const world = createWorld();
    const client = world.open();
    world.registry.get(client.session.id)?.update('', 'note', 'hello');
    expect(client.frames().at(-1)).toEqual({ path: 'note', message: 'hello' });
    client.connection.lost();
    expect(() => world.registry.get(client.session.id)?.update('', 'note', 'lost')).not.toThrow();
  });
});
