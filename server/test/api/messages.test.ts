import { beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../support/api.js';

let api: Api;

beforeEach(() => {
  api = createApi();
});

describe('send', () => {
  it('reaches sessions by id and users in all their sessions, and names who has none', async () => {
    const [a, b, c] = [api.world.open(), api.world.open(), api.world.open()];
    api.world.sessions.connect(a.session.id, ['x'], 'ann');
    api.world.sessions.connect(b.session.id, ['x'], 'ann');
    const { status, body } = await api.call('send', {
      sessions: [c.session.id, a.session.id, 'gone'],
      users: ['ann', 'bob'],
      message: { text: 'hi' },
    });
    expect(status).toBe(200);
    expect(body).toEqual({ sent: [c.session.id, a.session.id, b.session.id], unknown: ['gone', 'bob'] });
    for (const client of [a, b, c]) expect(client.messages()).toEqual([{ text: 'hi' }]);
  });

  it('takes effect once with an idempotency key', async () => {
    const client = api.world.open();
    const request = { sessions: [client.session.id], message: 1, idempotencyKey: 'k' };
    await api.call('send', request);
    expect((await api.call('send', request)).body).toMatchObject({ repeated: true });
    expect(client.messages()).toEqual([1]);
  });

  it.each([
    [{ sessions: ['a'] }, 'message'],
    [{ sessions: [''], message: 1 }, 'sessions.0'],
    [{ users: 'ann', message: 1 }, 'users'],
    [{ message: 1, to: ['a'] }, 'to'],
  ])('refuses %j', async (request, field) => {
    const { status, body } = await api.call('send', request);
    expect([status, body.error.field]).toEqual([400, field]);
  });

  it('refuses what is too large, and sends it to nobody', async () => {
    const client = api.world.open();
    const { body } = await api.call('send', { sessions: [client.session.id], message: 'x'.repeat(70_000) });
    expect(body.error).toMatchObject({ code: 'too_large', field: 'message' });
    expect(client.messages()).toEqual([]);
  });

  it('leaves raw streams alone, whose ids nobody knows', async () => {
    const raw = api.world.open({ paths: [{ path: 'public' }] }, { isRaw: true });
    const { body } = await api.call('send', { sessions: [raw.session.id], message: 1 });
    expect(body).toEqual({ sent: [], unknown: [raw.session.id] });
  });
});

describe('broadcast', () => {
  it('reaches everybody but who is excepted, and those who come back', async () => {
    const [a, b] = [api.world.open(), api.world.open()];
    const ticket = a.ticket();
    a.connection.lost();
    const { body } = await api.call('broadcast', { message: 'all', except: [b.session.id] });
    expect(body.position).toMatchObject({ offset: 1 });
    expect([api.world.open({ ticket }).messages(), b.messages()]).toEqual([['all'], []]);
  });

  it('does not reach raw streams', async () => {
    const raw = api.world.open({ paths: [{ path: 'public' }] }, { isRaw: true });
    await api.call('broadcast', { message: 'all' });
    expect(raw.messages()).toEqual([]);
  });

  it('goes on after a restart in order, for who was here and who comes new', async () => {
    const client = api.world.open();
    await api.call('broadcast', { message: 'one' });
    const frames = client.frames();
    const ticket = frames.flatMap((frame) => ('ticket' in frame ? [frame.ticket] : []))[0] as string;
    const { position } = frames.at(-1) as { position: { epoch: string; offset: number } };
    const next = api.handOver();
    await next.call('broadcast', { message: 'two' });
    const back = next.world.open({ ticket, paths: [{ path: '::all', position }] });
    const fresh = next.world.open();
    await next.call('broadcast', { message: 'three' });
    expect([back.messages(), fresh.messages()]).toEqual([['two', 'three'], ['three']]);
  });
});

describe('messages beside full sessions', () => {
  it('are handed over, and heard, though the session has as many paths as it may', async () => {
    const full = createApi({ settings: { maxSubscriptions: 2 } });
    const client = full.world.open({ paths: [{ path: 'public1' }, { path: 'public2' }] });
    const ticket = client.ticket();
    client.connection.lost();
    await full.call('send', { sessions: [client.session.id], message: 'one' });
    await full.call('broadcast', { message: 'two' });
    const back = full.handOver().world.open({ ticket });
    expect(back.messages().toSorted()).toEqual(['one', 'two']);
    const path = `::inbox/${client.session.id}`;
    back.want(path);
    expect(back.told('refused')).toEqual([]);
  });

  it('make no session less idle', async () => {
    const small = createApi({ settings: { maxIdleSessions: 2 } });
    small.world.open();
    small.world.open();
    await small.call('broadcast', { message: 1 });
    expect(small.world.tryOpen({})).toMatchObject({ error: { code: 'too_many_sessions' } });
  });

  it('of sessions that did not come back are dropped', async () => {
    const client = api.world.open();
    await api.call('send', { sessions: [client.session.id], message: 'x' });
    api.world.journal.push({ id: client.session.id, at: api.world.clock.now() + 1 });
    expect(api.world.broker.totalBytes).toBeGreaterThan(0);
    const next = api.world.handOver();
    expect(next.broker.totalBytes).toBe(0);
  });
});

describe('the list of paths', () => {
  it('leaves out messages to sessions', async () => {
    const client = api.world.open({ paths: [{ path: 'public' }] });
    await api.call('send', { sessions: [client.session.id], message: 1 });
    await api.call('broadcast', { message: 1 });
    const { body } = await api.call('paths', {});
    expect(body.paths.map(({ path }: { path: string }) => path)).toEqual(['public']);
  });
});

describe('a keyed update with a version', () => {
  it('is published only if its entry has that version', async () => {
    const set = (message: unknown, version?: number | null) =>
      api.call('update', {
        path: 'public',
        key: 'k',
        message,
        ...(version === undefined ? {} : { version }),
      });
    expect((await set(1, null)).body.position.offset).toBe(1);
    expect((await set(2, null)).body.error).toMatchObject({ code: 'state_conflict', field: 'version' });
    expect((await set(2, 1)).body.position.offset).toBe(2);
    expect((await set(3, 1)).status).toBe(409);
    expect((await set(null, 2)).body.position.offset).toBe(3);
    expect((await set(4, 2)).body.error.code).toBe('state_conflict');
    expect((await set(4, null)).body.position.offset).toBe(4);
  });

  it('is refused without a key, with the others of its request unharmed', async () => {
    const updates = [
      { path: 'public', message: 1, version: 1 },
      { path: 'public', message: 2, key: 'k', version: 7 },
      { path: 'public', message: 3, key: 'k', version: null },
    ];
    const { body } = await api.call('updates', { updates });
    expect(body.results).toMatchObject([
      { error: { code: 'bad_field', field: 'updates.0.version' } },
      { error: { code: 'state_conflict', field: 'updates.1.version' } },
      { position: { offset: 1 } },
    ]);
  });
});
