import { describe, expect, it } from 'vitest';
import { createWorld, gathered, TICKET_LIFETIME_MS } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

describe('resuming', () => {
  it('keeps the id and every subscription, and goes on from the positions that the client sends', () => {
    const world = createWorld();
    const first = world.open({ paths: [{ path: 'public/a' }] });
    first.want('public/b');
    for (let i = 1; i <= 3; i++)
      for (const name of ['a', 'b']) world.publish(`public/${name}`, `${name}${i}`);
    const ticket = first.ticket();
    first.connection.lost();
    world.publish('public/b', 'b4');
    const second = world.open({ ticket, paths: [{ path: 'public/a', position: at(2) }] });
    const frames = second.frames();
    expect(frames[0]).toMatchObject({ id: 'session-1', resumed: true, connection: 2 });
    expect(frames[1]).toMatchObject({
      type: 'subscribed',
      paths: [
        { path: 'public/a', position: at(2) },
        { path: 'public/b', position: at(0, 'epoch002') },
      ],
    });
    expect(frames.slice(2).map((frame) => 'message' in frame && frame.message)).toEqual([
      'a3',
      'b1',
      'b2',
      'b3',
      'b4',
    ]);
    expect(world.counters).toMatchObject({ opened: 1, resumed: 1, subscriptions: 2 });
  });

  it('subscribes to what the client wants besides', () => {
    const world = createWorld();
    const ticket = world.open().ticket();
    const client = world.open({ ticket, paths: [{ path: 'public' }, { path: 'asked' }] });
    expect(gathered(client.frames().slice(1))).toMatchObject([
      { type: 'subscribed' },
      { type: 'pending', paths: ['asked'] },
    ]);
  });

  it('ends a subscription whose position the path has never reached', () => {
    const world = createWorld();
    const ticket = world.open({ paths: [{ path: 'public' }] }).ticket();
    const client = world.open({ ticket, paths: [{ path: 'public', position: at(5) }] });
    expect(client.told('refused')).toMatchObject([{ paths: [{ path: 'public', code: 'bad_position' }] }]);
    world.publish('public', 1);
    expect(client.messages()).toEqual([]);
  });

  it('takes the session over: the newest connection has it, the older one is told and closed once', () => {
    const world = createWorld();
    const first = world.open({ paths: [{ path: 'public' }] });
    const second = world.open({ ticket: first.ticket() });
    expect(first.frames()).toMatchObject([{ type: 'closing', code: 4200 }]);
    expect(first.carrier.ends).toBe(1);
    expect(second.told('opened')).toMatchObject([{ connection: 2, resumed: true }]);
    first.connection.lost();
    world.publish('public', 1);
    expect(second.messages()).toEqual([1]);
    expect(first.frames()).toEqual([]);
    expect(world.sessions.connections).toBe(1);
  });

  it('tells the older connection so even when that has no room for another frame', () => {
    const world = createWorld({ settings: { outbox: { maxFrames: 3, maxBytes: 10_000 } } });
    const first = world.open({ paths: [{ path: 'public' }] });
    const ticket = first.ticket();
    first.block();
    for (let i = 1; i <= 10; i++) world.publish('public', i);
    world.clock.settle();
    for (let i = 1; i <= 10; i++) world.publish('public', i);
    world.open({ ticket });
    expect(first.frames().at(-1)).toMatchObject({ type: 'closing', code: 4200 });
  });

  it('is possible within the time to live, and gives a new session after it', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    const ticket = client.ticket();
    client.connection.lost();
    world.clock.advance(29_000);
    expect(world.sessions.all.size).toBe(1);
    world.clock.advance(1_500);
    expect(world.sessions.all.size).toBe(0);
    expect(world.counters.subscriptions).toBe(0);
    world.publish('public', 1);
    const again = world.open({ ticket, paths: [{ path: 'public', position: at(0) }] });
    const frames = again.frames();
    expect(frames[0]).toMatchObject({
      id: 'session-2',
      resumed: false,
      refused: 'revoked_ticket',
      connection: 1,
    });
    expect(frames.at(-1)).toMatchObject({ message: 1 });
  });

  it('is no slow reading: what comes without a connection counts as nothing', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }, { path: 'public-nolog' }] });
    client.connection.lost();
    for (const path of ['public', 'public-nolog']) world.publish(path, 1);
    expect(world.counters).toMatchObject({ slow: 0, deliveries: 0 });
  });

  it('counts the time to live from the last connection that was lost', () => {
    const world = createWorld();
    const first = world.open();
    const ticket = first.ticket();
    first.connection.lost();
    world.clock.advance(20_000);
    const second = world.open({ ticket });
    second.connection.lost();
    world.clock.advance(20_000);
    expect(world.sessions.all.size).toBe(1);
  });

  it('with a ticket that is too old gives a new session', () => {
    const world = createWorld();
    const client = world.open();
    const ticket = client.ticket();
    world.clock.spend(TICKET_LIFETIME_MS);
    expect(world.open({ ticket }).told('opened')).toMatchObject([
      { resumed: false, refused: 'expired_ticket' },
    ]);
  });

  it.each(['', 'x', 'x.y', 'x.y.z'])('with the forged ticket "%s" is refused', (ticket) => {
    expect(createWorld().tryOpen({ ticket })).toMatchObject({
      error: { code: 'bad_ticket' },
      close: 'ticket_refused',
    });
  });

  it('does not count against sessions without a subscription', () => {
    const world = createWorld({ settings: { maxIdleSessions: 1 } });
    const ticket = world.open().ticket();
    expect(world.open({ ticket }).told('opened')).toHaveLength(1);
  });
});

describe('after a restart of the server', () => {
  it('the ticket restores id, user and grants, and every path goes on after one gap', () => {
    const world = createWorld();
    const first = world.open();
    world.connect(first.session.id, ['granted'], 'ada');
    world.clock.advance(1_500);
    const ticket = first.ticket();
    const next = world.restart();
    next.publish('granted', 1);
    const second = next.open({ ticket, paths: [{ path: 'granted', position: at(0) }] });
    const frames = second.frames();
    expect(frames[0]).toMatchObject({ id: 'session-1', resumed: true, connection: 2, received: 0 });
    expect(frames.slice(1)).toMatchObject([
      { type: 'subscribed' },
      { type: 'gap', reason: 'restarted' },
      { message: 1 },
    ]);
    expect(second.session.user).toBe('ada');
  });

  it('an id that has ended never returns', async () => {
    const world = createWorld();
    const client = world.open();
    const ticket = client.ticket();
    await world.sessions.admin.kick(client.session.id, true);
    const again = world.restart().open({ ticket });
    expect(again.told('opened')).toMatchObject([
      { id: 'session-2', resumed: false, refused: 'revoked_ticket' },
    ]);
  });

  it('a path that was taken away stays taken, though an older ticket grants it', async () => {
    const world = createWorld();
    const client = world.open();
    world.connect(client.session.id, ['granted', 'kept'], null);
    world.clock.advance(1_500);
    const ticket = client.ticket();
    await world.sessions.admin.disconnect(client.session.id, ['granted', 'public'], null);
    const next = world.restart();
    const again = next.open({ ticket, paths: [{ path: 'granted' }, { path: 'kept' }, { path: 'public' }] });
    expect(again.told('pending')).toEqual([{ paths: ['granted', 'public'] }]);
    next.clock.advance(10_500);
    expect(again.told('refused')).toMatchObject([{ paths: [{ code: 'denied' }, { code: 'denied' }] }]);
  });

  it('a public path that was taken away stays taken, though the ticket is newer', async () => {
    const world = createWorld();
    const client = world.open();
    await world.sessions.admin.disconnect(client.session.id, ['public'], null);
    world.clock.advance(1_500);
    world.connect(client.session.id, ['granted'], null);
    const again = world.restart().open({ ticket: client.ticket(), paths: [{ path: 'public' }] });
    expect(again.told('pending')).toEqual([{ paths: ['public'] }]);
  });

  it('a path that was taken and granted again is granted by the newer ticket', async () => {
    const world = createWorld();
    const client = world.open();
    await world.sessions.admin.disconnect(client.session.id, ['granted'], null);
    world.clock.advance(10);
    world.connect(client.session.id, ['granted'], null);
    world.clock.advance(1_500);
    const again = world.restart().open({ ticket: client.ticket(), paths: [{ path: 'granted' }] });
    expect(again.told('subscribed')).toHaveLength(1);
  });

  it('a path that is taken while its session is away stays taken, from the user that was named only', async () => {
    const world = createWorld();
    const [ada, eve] = ['ada', 'eve'].map((user) => {
      const client = world.open();
      world.connect(client.session.id, ['granted'], user);
      return { id: client.session.id, ticket: client.ticket() };
    });
    const next = world.restart();
    for (const { id } of [ada, eve] as { id: string }[]) {
      expect(await next.sessions.admin.disconnect(id, ['granted', '::x'], 'ada')).toMatchObject({
        error: { code: 'unknown_session' },
      });
    }
    const paths = [{ path: 'granted' }];
    expect(next.open({ ticket: ada?.ticket as string, paths }).told('pending')).toHaveLength(1);
    expect(next.open({ ticket: eve?.ticket as string, paths }).told('subscribed')).toHaveLength(1);
  });

  it('a path that is taken from a bound session is taken from older tickets without a user, too', async () => {
    const world = createWorld();
    const client = world.open();
    world.connect(client.session.id, ['granted']);
    const ticket = client.ticket();
    world.connect(client.session.id, [], 'ada');
    await world.sessions.admin.disconnect(client.session.id, ['granted'], 'ada');
    const again = world.restart().open({ ticket, paths: [{ path: 'granted' }] });
    expect(again.told('pending')).toHaveLength(1);
  });

  it.each([
    [true, 'opened'],
    [false, 'dismissed'],
  ])(
    'a session that is kicked while it is away does not come back (reconnect: %s)',
    async (mayReturn, end) => {
      const world = createWorld();
      const client = world.open();
      const ticket = client.ticket();
      const next = world.restart();
      expect(await next.sessions.admin.kick(client.session.id, mayReturn)).toMatchObject({
        error: { code: 'unknown_session' },
      });
      if (end === 'dismissed') expect(next.tryOpen({ ticket })).toMatchObject({ close: 'dismissed' });
      else expect(next.open({ ticket }).told('opened')).toMatchObject([{ refused: 'revoked_ticket' }]);
    },
  );

  it('remembers what was taken long before, through the ticket itself', async () => {
    const world = createWorld();
    const client = world.open();
    await world.sessions.admin.disconnect(client.session.id, ['public']);
    world.clock.advance(160_000);
    client.send({ type: 'pong' });
    const ticket = client.ticket();
    world.journal.length = 0;
    expect(
      world
        .restart()
        .open({ ticket, paths: [{ path: 'public' }] })
        .told('pending'),
    ).toHaveLength(1);
  });
});
