import { describe, expect, it } from 'vitest';
import { pathToken, sessionToken } from '../../support/fake-tokens.js';
import { createWorld, gathered, type World } from '../../support/world.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Two devices of ann, and bob; each hears `chat/1` and `news`. */
function crowd(world: World) {
  const [phone, laptop, bob] = [1, 2, 3].map((n) => {
    const client = world.open({ paths: [{ path: 'chat/1' }, { path: 'news' }] });
    const [user, login] = n === 3 ? ['bob', 'desk'] : ['ann', n === 1 ? 'phone' : 'laptop'];
    world.connect(client.session.id, ['chat/1', 'news'], user, login);
    world.clock.advance(1);
    return { client, ticket: client.ticket() };
  });
  world.clock.advance(10);
  return { phone, laptop, bob } as Record<'phone' | 'laptop' | 'bob', NonNullable<typeof phone>>;
}

describe('kick', () => {
  it('by login ends the sessions of one device and no other, and a restart does not bring them back', async () => {
    const world = createWorld();
    const { phone, laptop, bob } = crowd(world);
    expect(await world.sessions.admin.kickLogin('phone', true)).toBe(1);
    expect([phone, laptop, bob].map(({ client }) => client.carrier.closing?.code ?? null)).toEqual([
      4100,
      null,
      null,
    ]);
    const next = world.restart();
    const opened = [phone, laptop, bob].map(({ ticket }) => next.open({ ticket }).session);
    expect(opened.map(({ user }) => user)).toEqual([null, 'ann', 'bob']);
  });

  it('by user ends all sessions of the user, and is no error when there are none', async () => {
    const world = createWorld();
    const { phone, laptop, bob } = crowd(world);
    expect(await world.sessions.admin.kickUser('ann', true)).toBe(2);
    expect(await world.sessions.admin.kickUser('ann', true)).toBe(0);
    expect([phone, laptop, bob].map(({ client }) => client.session.isEnded)).toEqual([true, true, false]);
  });

  it('takes also those who are not back yet after a crash', async () => {
    for (const by of ['ann', 'laptop'] as const) {
      const world = createWorld();
      const { phone, laptop } = crowd(world);
      const next = world.restart();
      if (by === 'ann') await next.sessions.admin.kickUser('ann', true);
      else await next.sessions.admin.kickLogin('laptop', true);
      const users = [phone, laptop].map(({ ticket }) => next.open({ ticket }).session.user);
      expect(users).toEqual(by === 'ann' ? [null, null] : ['ann', null]);
    }
  });

  it.each(['phone', 'ann'])(
    'takes also those that were handed over, when another server has noted it: %s',
    (name) => {
      const world = createWorld();
      crowd(world);
      world.clock.advance(5);
      const at = world.clock.now() + 1;
      world.journal.push(name === 'ann' ? { ofUser: name, at } : { ofLogin: name, at });
      const handed = world.handOver();
      const logins = [...handed.sessions.all.values()].map(({ login }) => login).sort();
      expect(logins).toEqual(name === 'ann' ? ['desk'] : ['desk', 'laptop']);
    },
  );

  it('for good lets nobody of them come back with a ticket', async () => {
    const world = createWorld();
    const { phone } = crowd(world);
    const next = world.restart();
    await next.sessions.admin.kickUser('ann', false);
    expect(next.tryOpen({ ticket: phone.ticket })).toMatchObject({ close: 'dismissed' });
  });

  it('ends a login: no connect opens it again', async () => {
    const world = createWorld();
    const { bob } = crowd(world);
    await world.sessions.admin.kickLogin('phone', true);
    const { session } = world.open();
    expect(await world.connect(session.id, ['x'], 'ann', 'phone')).toMatchObject({
      error: { code: 'login_ended' },
    });
    expect([session.user, session.paths.permissions.granted.size]).toEqual([null, 0]);
    // A session that logs in anew has another tag, and goes with that one.
    world.connect(bob.client.session.id, [], 'bob', 'desk-2');
    expect(await world.sessions.admin.kickLogin('desk', true)).toBe(0);
    expect(await world.sessions.admin.kickLogin('desk-2', true)).toBe(1);
  });

  it('is forgotten when no ticket and no token is left', async () => {
    const world = createWorld();
    await world.sessions.admin.kickLogin('phone', true);
    await world.sessions.admin.kickUser('ann', true);
    const at = world.clock.now();
    const said = { user: 'ann', login: null, at };
    world.revocations.prune(at + 1, at);
    expect([world.revocations.hasLoginEnded('phone'), world.revocations.isRevoked(said)]).toEqual([
      true,
      true,
    ]);
    world.revocations.prune(at + 1, at + 1);
    expect([world.revocations.hasLoginEnded('phone'), world.revocations.isRevoked(said)]).toEqual([
      false,
      false,
    ]);
  });
});

describe('disconnect by user', () => {
  it('takes what matches from all sessions of the user, item by item', async () => {
    const world = createWorld();
    const { phone, laptop, bob } = crowd(world);
    for (const { client } of [phone, laptop, bob]) client.frames();
    const results = await world.sessions.admin.disconnectUser('ann', ['chat/{room}', 'a{', 'none']);
    expect(results).toMatchObject([
      { pattern: 'chat/{room}', ended: 2 },
      { pattern: 'a{', error: { code: 'bad_pattern', field: 'patterns.1' } },
      { pattern: 'none', ended: 0 },
    ]);
    expect(phone.client.told('unsubscribed')).toEqual([{ paths: ['chat/1'], by: 'back_end' }]);
    world.publish('chat/1', 'secret');
    world.publish('news', 'told');
    expect([phone, laptop, bob].map(({ client }) => client.messages())).toEqual([
      ['told'],
      ['told'],
      ['secret', 'told'],
    ]);
  });

  it('is not undone by an older ticket, a crash or a handoff, but by a connect', async () => {
    const world = createWorld();
    const { phone } = crowd(world);
    const crashed = world.restart();
    await crashed.sessions.admin.disconnectUser('ann', ['chat/{room}']);
    const back = crashed.open({ ticket: phone.ticket, paths: [{ path: 'chat/1' }, { path: 'news' }] });
    expect(gathered(back.frames())).toMatchObject([
      { type: 'opened', resumed: true },
      { type: 'subscribed', paths: [{ path: 'news' }] },
      { type: 'pending', paths: ['chat/1'] },
    ]);
    const next = crashed.handOver();
    const again = next.open({
      ticket: crashed.tickets.issue({ ...claims(back), issuedAt: crashed.clock.now() }),
    });
    expect(again.session.paths.mayHear('chat/1')).toBe(false);
    next.connect(again.session.id, ['chat/1'], 'ann');
    expect([again.session.paths.mayHear('chat/1'), again.session.paths.mayHear('chat/2')]).toEqual([
      true,
      false,
    ]);
  });

  it('counts against tokens that were made before, in new sessions too, and not against newer ones', async () => {
    const world = createWorld();
    const old = { user: 'ann', at: world.clock.now() };
    world.clock.advance(1);
    await world.sessions.admin.disconnectUser('ann', ['chat/{room}']);
    const session = await world.openAsked({
      token: sessionToken({ ...old, grants: ['chat/1', 'news', '{all*}'] }),
    });
    expect(['chat/1', 'news', 'x'].map((path) => session.session.paths.mayHear(path))).toEqual([
      false,
      true,
      true,
    ]);
    session.frames();
    session.want({ path: 'chat/1', token: pathToken({ ...old, paths: ['chat/1'] }) });
    await settled();
    expect(session.told('refused')).toMatchObject([{ paths: [{ code: 'revoked_token' }] }]);
    world.clock.advance(1);
    const newer = sessionToken({ user: 'ann', at: world.clock.now(), grants: ['chat/{room}'] });
    expect((await world.openAsked({ token: newer })).session.paths.mayHear('chat/1')).toBe(true);
  });

  it('ends what a token had opened', async () => {
    const world = createWorld();
    const client = await world.openAsked({ token: sessionToken({ user: 'ann' }) });
    client.want({ path: 'x', token: pathToken({ paths: ['x'], at: world.clock.now() }) });
    await settled();
    client.frames();
    await world.sessions.admin.disconnectUser('ann', ['x']);
    expect(client.told('unsubscribed')).toEqual([{ paths: ['x'], by: 'back_end' }]);
  });
});

describe('the token of a path', () => {
  const open = async (world: World) => {
    const client = await world.openAsked({});
    client.frames();
    return client;
  };

  it('says for how long it is good, and ends its subscription then', async () => {
    const world = createWorld();
    const client = await open(world);
    client.want({ path: 'x', token: pathToken({ paths: ['x'], expiresAt: world.clock.now() + 5_000 }) });
    await settled();
    expect(client.told('subscribed')).toMatchObject([{ paths: [{ path: 'x', expiresInMs: 5_000 }] }]);
    world.clock.advance(4_000);
    expect(client.frames()).toEqual([]);
    world.clock.advance(2_500);
    expect(client.frames()).toEqual([{ type: 'unsubscribed', paths: ['x'], by: 'expiry' }]);
  });

  it('is renewed by naming the path again, and nothing else is told', async () => {
    const world = createWorld();
    const client = await open(world);
    client.want({ path: 'x', token: pathToken({ paths: ['x'], expiresAt: world.clock.now() + 5_000 }) });
    await settled();
    client.frames();
    world.publish('x', 1);
    client.want({ path: 'x', token: pathToken({ paths: ['x'], expiresAt: world.clock.now() + 60_000 }) });
    world.publish('x', 2);
    await settled();
    world.publish('x', 3);
    const frames = client.frames();
    expect(frames.filter((frame) => 'type' in frame && frame.type !== 'ticket')).toMatchObject([
      { type: 'subscribed', paths: [{ path: 'x', expiresInMs: 60_000, position: { offset: 2 } }] },
    ]);
    expect(frames.flatMap((frame) => ('type' in frame ? [] : [frame.message]))).toEqual([1, 2, 3]);
    world.clock.advance(10_000);
    expect(client.session.paths.subscriptions.has('x')).toBe(true);
  });

  it('that is refused in place of another ends the subscription', async () => {
    const world = createWorld();
    const client = await open(world);
    client.want({ path: 'x', token: pathToken({ paths: ['x'] }) });
    await settled();
    client.frames();
    client.want({ path: 'x', token: 'bad' });
    await settled();
    expect(client.told('refused')).toMatchObject([{ paths: [{ path: 'x', code: 'bad_token' }] }]);
    expect(client.session.paths.subscriptions.has('x')).toBe(false);
  });

  it('counts no more when its path was given up meanwhile', async () => {
    const world = createWorld();
    const client = await open(world);
    client.want({ path: 'x', token: pathToken({ paths: ['x'] }) });
    expect(world.counters.pending).toBe(1);
    client.session.paths.unwant(['x']);
    await settled();
    expect([client.session.paths.subscriptions.size, world.counters.pending]).toEqual([0, 0]);
  });

  it('counts as it was named last, from the position that was named last', async () => {
    const world = createWorld();
    world.publish('x', 1);
    const { position } = world.publish('x', 2);
    world.publish('x', 3);
    const client = await open(world);
    const token = pathToken({ paths: ['x'] });
    client.want({ path: 'x', token: 'bad' });
    client.want({ path: 'x', token });
    client.want({ path: 'x', token, position: position as NonNullable<typeof position> });
    await settled();
    expect(client.messages()).toEqual([3]);
  });

  it('is no way to name a path that is waited for too often', async () => {
    const world = createWorld({ settings: { maxSubscriptions: 2 } });
    const client = await open(world);
    const token = pathToken({ paths: ['{x*}'] });
    client.want(...['a', 'b', 'c'].map((path) => ({ path, token })));
    expect(client.told('refused')).toMatchObject([
      { paths: [{ path: 'c', code: 'too_many_subscriptions' }] },
    ]);
    await settled();
    expect(client.session.paths.subscriptions.size).toBe(2);
  });
});

function claims({ session }: { session: { id: string } }) {
  const nothing = { login: null, identity: null, grants: ['chat/1', 'news'], denied: [] };
  return { id: session.id, connection: 2, user: 'ann', ...nothing };
}
