import { beforeEach, describe, expect, it } from 'vitest';
import { ERRORS } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { type Api, createApi } from '../support/api.js';

let api: Api;
beforeEach(() => {
  api = createApi();
});

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });
const errorOf = (code: keyof typeof ERRORS, field?: string) => ({
  status: ERRORS[code].status,
  body: { error: { code, retryable: ERRORS[code].retryable, ...(field === undefined ? {} : { field }) } },
});

describe('update', () => {
  it('publishes and answers the position', async () => {
    const client = api.world.open({ paths: [{ path: 'public' }] });
    expect(await api.call('update', { path: 'public', message: { a: 1 } })).toEqual({
      status: 200,
      body: { position: at(1) },
    });
    expect(await api.call('update', { path: 'nolog', message: null })).toEqual({
      status: 200,
      body: { position: null },
    });
    expect(client.messages()).toEqual([{ a: 1 }]);
  });

  it('leaves out who is excepted', async () => {
    const [a, b] = [1, 2].map(() => api.world.open({ paths: [{ path: 'public' }] }));
    await api.call('update', { path: 'public', message: 1, except: [a?.session.id] });
    expect([a?.messages(), b?.messages()]).toEqual([[], [1]]);
  });

  it('takes a message of 64 KB, and not a byte more', async () => {
    const message = 'ä'.repeat((LIMITS.messageBytes - 2) / 2);
    expect(await api.call('update', { path: 'a', message })).toMatchObject({ status: 200 });
    expect(await api.call('update', { path: 'a', message: `${message}x` })).toMatchObject(
      errorOf('too_large', 'message'),
    );
  });

  it('refuses a message that is nested too deep, and fails not', async () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    expect(await api.call('update', `{"path":"a","message":${deep}}`)).toMatchObject(
      errorOf('bad_field', 'message'),
    );
    expect(
      await api.call('updates', `{"updates":[{"path":"a","message":1},{"path":"a","message":${deep}}]}`),
    ).toMatchObject({
      status: 200,
      body: { results: [{ position: at(1) }, { error: { code: 'bad_field', field: 'updates.1.message' } }] },
    });
    expect(api.failures).toEqual([]);
  });
});

describe('updates', () => {
  it('answers each item by itself, in order: the faulty ones stop no other', async () => {
    const items = [
      { path: 'a', message: 1 },
      { path: '::x', message: 2 },
      { path: 'a' },
      7,
      { path: 'a', message: 3, more: 1 },
      { path: 'a', message: 'x'.repeat(LIMITS.messageBytes) },
      { path: 'a', message: 4 },
    ];
    const { status, body } = await api.call('updates', { updates: items });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { position: at(1) },
      { error: { code: 'reserved_path', field: 'updates.1.path' } },
      { error: { code: 'bad_field', field: 'updates.2.message' } },
      { error: { code: 'bad_field', field: 'updates.3' } },
      { error: { code: 'unknown_field', field: 'updates.4.more' } },
      { error: { code: 'too_large', field: 'updates.5.message' } },
      { position: at(2) },
    ]);
  });

  it('takes as many items as the limit, and not one more', async () => {
    const items = (count: number) => Array.from({ length: count }, () => ({ path: 'a', message: 1 }));
    expect((await api.call('updates', { updates: items(1_000) })).body.results).toHaveLength(1_000);
    expect(await api.call('updates', { updates: items(1_001) })).toMatchObject(
      errorOf('too_many_items', 'updates'),
    );
  });
});

describe('connect, disconnect and kick', () => {
  it('grant, take away and end', async () => {
    const client = api.world.open();
    const { id } = client.session;
    expect(await api.call('connect', { id, paths: ['a', '::x'], user: 'ada' })).toMatchObject({
      status: 200,
      body: {
        results: [
          { path: 'a', position: at(0) },
          { path: '::x', error: { code: 'reserved_path' } },
        ],
      },
    });
    expect(await api.call('connect', { id, paths: ['b'], user: 'eve' })).toMatchObject(
      errorOf('user_mismatch'),
    );
    expect(await api.call('disconnect', { id, paths: ['a', 'b'] })).toMatchObject({
      body: {
        results: [
          { path: 'a', wasSubscribed: true },
          { path: 'b', wasSubscribed: false },
        ],
      },
    });
    expect(await api.call('kick', { id, reconnect: false })).toEqual({
      status: 200,
      body: { kicked: true, sessions: 1 },
    });
    expect(client.carrier.closing?.code).toBe(4201);
  });

  it.each(['connect', 'disconnect', 'kick'])('%s says when there is no such session', async (method) => {
    const body = method === 'kick' ? { id: 'nobody' } : { id: 'nobody', paths: ['a'] };
    expect(await api.call(method, body)).toMatchObject(errorOf('unknown_session'));
  });
});

describe('sessions, paths and info', () => {
  it('list who is there, page by page', async () => {
    for (let i = 0; i < 3; i++) api.world.open({ paths: [{ path: 'public' }] });
    const first = (await api.call('sessions', { limit: 2 })).body;
    expect(first).toMatchObject({ sessions: [{ id: 'session-1' }, { id: 'session-2' }], next: 'session-2' });
    const second = (await api.call('sessions', { limit: 2, after: first.next })).body;
    expect(second).toEqual({
      sessions: [
        {
          id: 'session-3',
          user: null,
          login: null,
          info: null,
          transport: 'websocket',
          address: '192.0.2.1',
          subscriptions: 1,
          openedAt: api.world.clock.now(),
          lastContactAt: api.world.clock.now(),
          lastCommandAt: null,
        },
      ],
      next: null,
    });
  });

  it('list sessions between two connections without transport and address', async () => {
    api.world.open().connection.lost();
    expect((await api.call('sessions', {})).body.sessions).toMatchObject([
      { transport: null, address: null },
    ]);
  });

  it('list the paths that somebody hears, by prefix', async () => {
    const client = api.world.open();
    client.want('public/b', 'public/a', 'public-nolog');
    api.world.publish('public/a', 1);
    expect((await api.call('paths', { prefix: 'public/' })).body).toEqual({
      paths: [
        { path: 'public/a', subscriptions: 1, position: { epoch: expect.any(String), offset: 1 } },
        { path: 'public/b', subscriptions: 1, position: { epoch: expect.any(String), offset: 0 } },
      ],
      next: null,
    });
    expect((await api.call('paths', { limit: 1 })).body).toMatchObject({
      paths: [{ position: null }],
      next: 'public-nolog',
    });
  });

  it('count', async () => {
    api.world.open({ paths: [{ path: 'public' }] });
    api.world.publish('public', 1);
    api.world.clock.advance(5_000);
    expect((await api.call('info', {})).body).toMatchObject({
      version: '0.0.0-test',
      uptimeMs: 5_000,
      sessions: 1,
      connections: 1,
      paths: 1,
      subscriptions: 1,
      updates: 1,
      deliveries: 1,
      opened: 1,
    });
  });
});

describe('every method', () => {
  const methods = ['update', 'updates', 'connect', 'disconnect', 'kick', 'sessions', 'paths', 'info'];

  it.each(methods)('%s wants the key, and takes no work while the server stops', async (method) => {
    expect(await api.call(method, {}, { authorization: '' })).toMatchObject(errorOf('unauthorized'));
    expect(await api.call(method, {}, { authorization: 'Bearer wrong' })).toMatchObject(
      errorOf('unauthorized'),
    );
    api.isStopping = true;
    expect(await api.call(method, {})).toMatchObject(errorOf('restarting'));
  });

  it.each(methods)('%s refuses a field that it does not know', async (method) => {
    const { body } = await api.call(method, {
      nonsense: 1,
      id: 'x',
      path: 'x',
      message: 1,
      paths: ['x'],
      updates: [1],
    });
    expect(body.error.code).toBe('unknown_field');
  });

  it('answers what is no JSON, no JSON object and no known method', async () => {
    expect(await api.call('update', '{')).toMatchObject(errorOf('bad_json'));
    expect(await api.call('update', '7')).toMatchObject(errorOf('bad_field'));
    expect(await api.call('update', '{}', { 'content-type': 'text/plain' })).toMatchObject(
      errorOf('unsupported_media_type'),
    );
    const nonsense = await api.call('nonsense?x=1', {});
    expect(nonsense).toMatchObject(errorOf('not_found'));
    expect(nonsense.body.error.message).toBe(
      'There is no method "nonsense"; GET /api/openapi.json lists them.',
    );
    const read = await api.get('/api/update');
    expect(read).toMatchObject(errorOf('method_not_allowed'));
    expect(read.body.error.message).toMatch(/: use POST\.$/);
    expect(await api.headersOf('/api/update')).toMatchObject({ allow: 'POST' });
    expect((await api.get('/elsewhere')).body.error.message).toBe(ERRORS.not_found.message);
    expect(await api.get('/health')).toEqual({ status: 200, body: { status: 'ok' } });
    api.isStopping = true;
    expect(await api.get('/health')).toEqual({ status: 503, body: { status: 'restarting' } });
  });
});
