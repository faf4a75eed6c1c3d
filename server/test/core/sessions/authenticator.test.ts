import { describe, expect, it } from 'vitest';
import { errorBody } from '../../../../protocol/codes.js';
import type { ClientInfo, Identity, SessionWebhook } from '../../../src/core/access/identity.js';
import { FakeCarrier } from '../../support/fake-carrier.js';
import { sessionToken } from '../../support/fake-tokens.js';
import { type Client, createWorld, gathered, isRandom, type World } from '../../support/world.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A back end whose answer each test sets, and that answers when it is told to, if it is held. */
function backEnd() {
  const asked: { visitor: ClientInfo; paths: readonly string[] }[] = [];
  const told = {
    identity: { user: 'ann', login: 'device', info: { name: 'Ann' }, grants: ['a'] } as Partial<Identity>,
    refused: [] as string[],
    error: null as null | 'not_identified' | 'not_allowed',
    held: null as Promise<void> | null,
    asked,
  };
  let world: World | null = null;
  const view: SessionWebhook = {
    async authenticate(visitor, paths) {
      asked.push({ visitor, paths });
      const at = world?.clock.now() ?? 0;
      const { error, identity, refused } = told;
      await told.held;
      if (error !== null) return { error: errorBody(error) };
      const rest = { source: 'webhook' as const, user: null, login: null, info: null, grants: [] };
      return { value: { identity: { ...rest, at, expiresAt: null, ...identity }, refused } };
    },
    ask: async () => null,
  };
  return { told, view, of: (made: World) => (world = made) };
}

function setUp() {
  const { told, view, of } = backEnd();
  return { told, world: of(createWorld({ view })) };
}

const namesOf = (client: Client) => client.frames().flatMap((frame) => ('type' in frame ? [frame.type] : []));

describe('a session about which the back end is asked', () => {
  it('opens with what it says, and all its paths cost one question', async () => {
    const { world, told } = setUp();
    told.refused = ['no/{x}'];
    const paths = ['a', 'no/1', 'open', 'public', '::all', 'a'].map((path) => ({ path }));
    const client = await world.openAsked({ paths });
    expect(told.asked.map(({ paths }) => paths)).toEqual([['a', 'no/1', 'open']]);
    expect(client.session).toMatchObject({
      user: 'ann',
      login: 'device',
      identity: { info: { name: 'Ann' } },
    });
    const again = isRandom ? [] : [{ path: 'a' }];
    expect(gathered(client.frames())).toMatchObject([
      { type: 'opened', resumed: false },
      { type: 'subscribed', paths: [{ path: '::all' }, { path: 'a' }, ...again, { path: 'public' }] },
      { type: 'pending', paths: ['open'] },
      { type: 'refused', paths: [{ path: 'no/1', code: 'connect_refused' }] },
    ]);
  });

  it.each([
    ['not_identified', 'busy'],
    ['not_allowed', 'open_refused'],
  ] as const)('is not let in when the answer is %s', async (error, close) => {
    const { world, told } = setUp();
    told.error = error;
    expect(await world.tryOpenAsked({})).toMatchObject({ error: { code: error }, close });
    expect(world.sessions.all.size).toBe(0);
  });

  it('is not asked about again when it resumes, nor after a crash', async () => {
    const { world, told } = setUp();
    const first = await world.openAsked({ paths: [{ path: 'a' }] });
    const ticket = first.ticket();
    const second = await world.openAsked({ ticket, paths: [{ path: 'a' }] });
    const next = world.restart();
    const third = await next.openAsked({ ticket: second.ticket(), paths: [{ path: 'a' }] });
    expect(told.asked).toHaveLength(1);
    expect(namesOf(third)).toEqual(['opened', 'subscribed']);
    expect(third.session).toMatchObject({
      user: 'ann',
      login: 'device',
      identity: { info: { name: 'Ann' } },
    });
  });

  it('is asked about once when it was lost', async () => {
    const { world, told } = setUp();
    const first = await world.openAsked({ paths: [{ path: 'a' }] });
    const ticket = first.ticket();
    first.connection.lost();
    world.clock.advance(400_000);
    const again = await world.openAsked({ ticket, paths: [{ path: 'a' }, { path: 'b' }] });
    expect(told.asked.map(({ paths }) => paths)).toEqual([['a'], ['a', 'b']]);
    expect(again.frames()[0]).toMatchObject({ type: 'opened', resumed: false, refused: 'revoked_ticket' });
  });

  it('is closed when what was said has expired, and asked about again when it comes back', async () => {
    const { world, told } = setUp();
    told.identity = { ...told.identity, expiresAt: world.clock.now() + 20_000, grants: ['a', 'b'] };
    const first = await world.openAsked({ paths: [{ path: 'a' }, { path: 'b' }] });
    const ticket = first.ticket();
    world.clock.advance(19_000);
    expect(first.carrier.closing).toBeNull();
    world.clock.advance(3_000);
    expect(first.carrier.closing).toMatchObject({ code: 4008 });
    told.identity = { user: 'ann', grants: ['a'] };
    const again = await world.openAsked({ ticket, paths: [{ path: 'a' }, { path: 'b' }] });
    expect(again.session.id).toBe(first.session.id);
    expect(told.asked).toHaveLength(2);
    expect(again.frames()).toMatchObject([
      { type: 'opened', resumed: true },
      { type: 'unsubscribed', paths: ['b'], by: 'back_end' },
      { type: 'subscribed', paths: [{ path: 'a' }] },
      { type: 'pending', paths: ['b'] },
    ]);
  });

  it.each([
    ['another user', { user: 'bob' }],
    ['nobody', { user: null }],
  ])('is over when it has expired and is then %s', async (_who, identity) => {
    const { world, told } = setUp();
    told.identity = { ...told.identity, expiresAt: world.clock.now() + 1_000 };
    const first = await world.openAsked({ paths: [{ path: 'a' }] });
    const ticket = first.ticket();
    world.clock.advance(3_000);
    told.identity = identity;
    const again = await world.openAsked({ ticket, paths: [{ path: 'a' }] });
    expect(again.frames()).toMatchObject([
      { type: 'opened', resumed: false, refused: 'user_mismatch' },
      { type: 'pending', paths: ['a'] },
    ]);
    expect(again.session.user).toBe(identity.user);
    expect(first.session.isEnded).toBe(true);
    expect(await world.openAsked({ ticket })).toMatchObject({ session: { user: identity.user } });
  });

  it('is not let in when its login ended, or its user was sent away, while the back end was asked', async () => {
    for (const kick of ['login', 'user'] as const) {
      const { world, told } = setUp();
      let answer = () => {};
      told.held = new Promise((resolve) => {
        answer = resolve;
      });
      const opening = world.tryOpenAsked({});
      if (kick === 'login') await world.sessions.admin.kickLogin('device', true);
      else await world.sessions.admin.kickUser('ann', true);
      answer();
      expect(await opening).toMatchObject({ error: { code: 'not_identified' }, close: 'busy' });
      expect(world.sessions.all.size).toBe(0);
    }
  });

  it('is not made when its client has gone meanwhile, or the server stops', async () => {
    const { world } = setUp();
    const coming = { visitor: { headers: {}, address: '' }, isGone: () => true };
    const gone = await world.sessions.open({ type: 'open', protocol: 1 }, new FakeCarrier(), coming);
    expect(gone).toHaveProperty('error');
    const late = world.tryOpenAsked({});
    world.sessions.freeze(1_000);
    expect(await late).toMatchObject({ error: { code: 'restarting' }, close: 'restarting' });
    expect(world.sessions.all.size).toBe(0);
  });

  it('keeps out sessions beyond those that may be idle, also when they were asked about meanwhile', async () => {
    const { view, of } = backEnd();
    const world = of(createWorld({ view, settings: { maxIdleSessions: 2 } }));
    const outcomes = await Promise.all([1, 2, 3].map(() => world.tryOpenAsked({})));
    expect(outcomes.filter((outcome) => 'error' in outcome)).toMatchObject([
      { error: { code: 'too_many_sessions' } },
    ]);
  });

  it('is never a raw one', async () => {
    const { world, told } = setUp();
    await world.openAsked({ paths: [{ path: 'public' }] }, { isRaw: true });
    expect(told.asked).toEqual([]);
  });
});

describe('the token of a session', () => {
  const token = (said: Partial<Identity>) => sessionToken({ user: 'ann', ...said });

  it('says who it is, so that nobody is asked', async () => {
    const { world, told } = setUp();
    const client = await world.openAsked({ token: token({ grants: ['x'] }), paths: [{ path: 'x' }] });
    expect(told.asked).toEqual([]);
    expect(client.frames()).toMatchObject([
      { type: 'opened', tokenExpiresInMs: 3_600_000 },
      { type: 'subscribed', paths: [{ path: 'x' }] },
    ]);
  });

  it('that is bad lets nobody in, with or without a ticket', async () => {
    const { world } = setUp();
    const ticket = (await world.openAsked({})).ticket();
    for (const more of [{}, { ticket }]) {
      expect(await world.tryOpenAsked({ token: 'bad', ...more })).toMatchObject({
        error: { code: 'bad_token' },
        close: 'token_refused',
      });
    }
  });

  it('that has expired closes the connection, and only a good one resumes the session', async () => {
    const { world } = setUp();
    const first = await world.openAsked({
      token: token({ expiresAt: world.clock.now() + 5_000, grants: ['x'] }),
      paths: [{ path: 'x' }],
    });
    const ticket = first.ticket();
    world.clock.advance(7_000);
    expect(first.carrier.closing).toMatchObject({ code: 4007, error: 'expired_token' });
    const refused = { error: { code: 'expired_token' }, close: 'token_refused' };
    expect(await world.tryOpenAsked({ ticket })).toMatchObject(refused);
    world.publish('x', 'missed');
    const again = await world.openAsked({ ticket, token: token({ grants: ['x'] }), paths: [{ path: 'x' }] });
    expect(again.session.id).toBe(first.session.id);
    expect(again.messages()).toEqual(['missed']);
  });

  it('is renewed while the connection goes on, and what the new one leaves out ends', async () => {
    const { world } = setUp();
    const client = await world.openAsked({
      token: token({ grants: ['x', 'y'] }),
      paths: [{ path: 'x' }, { path: 'y' }],
    });
    client.frames();
    client.send({ type: 'token', n: 1, token: token({ grants: ['y'] }) });
    await settled();
    expect(client.frames()).toMatchObject([
      { type: 'renewed', expiresInMs: 3_600_000 },
      { type: 'unsubscribed', paths: ['x'], by: 'back_end' },
      { type: 'ticket' },
    ]);
  });

  it('takes the place of what the back end said, though that was said later', async () => {
    const { world } = setUp();
    const old = token({ at: world.clock.now(), expiresAt: world.clock.now() + 60_000, grants: ['x'] });
    world.clock.advance(10);
    const client = await world.openAsked({});
    client.frames();
    client.send({ type: 'token', n: 1, token: old });
    await settled();
    expect(client.told('renewed')).toEqual([{ expiresInMs: 59_990 }]);
    expect(client.session.paths.mayHear('x')).toBe(true);
  });

  it('is not replaced by an older one that was read later', async () => {
    const { world } = setUp();
    const old = token({ at: world.clock.now(), grants: ['x'] });
    world.clock.advance(10);
    const client = await world.openAsked({ token: token({ at: world.clock.now(), grants: ['y'] }) });
    client.send({ type: 'token', n: 1, token: old });
    await settled();
    expect(['x', 'y'].map((path) => client.session.paths.mayHear(path))).toEqual([false, true]);
  });

  it('is not renewed by a bad one, and the one before counts on', async () => {
    const { world } = setUp();
    const client = await world.openAsked({ token: token({ grants: ['x'] }), paths: [{ path: 'x' }] });
    client.frames();
    client.send({ type: 'token', n: 1, token: 'bad' });
    await settled();
    expect(client.frames()).toMatchObject([{ type: 'error', code: 'bad_token', n: 1 }]);
    expect(client.session.paths.mayHear('x')).toBe(true);
  });

  it('of another user ends the session', async () => {
    const { world } = setUp();
    const client = await world.openAsked({ token: token({}) });
    client.send({ type: 'token', n: 1, token: token({ user: 'bob' }) });
    await settled();
    expect(client.carrier.closing).toMatchObject({ code: 4100 });
    expect(client.session.isEnded).toBe(true);
  });

  it('is read one after the other', async () => {
    const { world } = setUp();
    const client = await world.openAsked({ token: token({}) });
    client.frames();
    client.send({ type: 'token', n: 1, token: token({}) });
    client.send({ type: 'token', n: 2, token: token({}) });
    expect(client.frames()).toMatchObject([{ type: 'error', code: 'too_many_items', n: 2 }]);
    await settled();
    expect(namesOf(client)).toContain('renewed');
  });

  it('that was made before its user was sent away, or of a login that ended, is revoked', async () => {
    const { world } = setUp();
    const old = token({ at: world.clock.now(), login: 'phone' });
    const live = await world.openAsked({ token: old });
    expect(await world.sessions.admin.kickUser('ann', true)).toBe(1);
    expect(live.carrier.closing).toMatchObject({ code: 4100 });
    const refused = { error: { code: 'revoked_token' }, close: 'token_refused' };
    expect(await world.tryOpenAsked({ token: old })).toMatchObject(refused);
    world.clock.advance(1);
    const newer = token({ at: world.clock.now(), login: 'phone' });
    expect(await world.tryOpenAsked({ token: newer })).toHaveProperty('session');
    await world.sessions.admin.kickLogin('phone', true);
    world.clock.advance(1);
    const newest = token({ at: world.clock.now(), login: 'phone' });
    expect(await world.tryOpenAsked({ token: newest })).toMatchObject(refused);
    expect(await world.restart().tryOpenAsked({ token: newest })).toMatchObject(refused);
  });
});
