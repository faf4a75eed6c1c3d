import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { METHODS } from '../../src/api/methods/index.js';
import { parseKeys } from '../../src/auth/api-keys/api-key-list.js';
import { type Answer, type Api, createApi } from '../support/api.js';

const MINE = 'the-key-of-this-test-1';
const OTHER = 'the-key-of-another-1';
const METHOD_NAMES = METHODS.map(({ name }) => name);

interface Entry {
  readonly name?: string;
  readonly key?: string;
  readonly methods?: readonly string[];
  readonly patterns?: readonly string[];
}

let api: Api;
beforeEach(() => {
  api = createApi();
});

function know(...entries: Entry[]): void {
  const list = entries.map((entry) => ({ name: 'mine', key: MINE, ...entry }));
  api.keys.replaceScoped(parseKeys(JSON.stringify(list), { methods: METHOD_NAMES, isFull: () => false }));
}

const call = (method: string, body: object, key = MINE): Promise<Answer> =>
  api.call(method, body, { authorization: `Bearer ${key}` });

const forbidden = (field?: string) => ({
  status: 403,
  body: { error: { code: 'forbidden', retryable: false, ...(field === undefined ? {} : { field }) } },
});

describe('a key for some methods', () => {
  it('may use these with any path, and no other', async () => {
    know({ methods: ['update', 'info'] });
    expect(await call('update', { path: 'anything', message: 1 })).toMatchObject({ status: 200 });
    expect(await call('info', {})).toMatchObject({ status: 200 });
    for (const method of METHOD_NAMES.filter((name) => !['update', 'info'].includes(name))) {
      const answer = await call(method, {});
      expect(answer, method).toMatchObject(forbidden());
      expect(answer.body.error.message).toBe(`The API key "mine" is not for the method "${method}".`);
    }
  });

  it('is refused before its body is read, and not after the server began to stop', async () => {
    know({ methods: ['info'] });
    expect(await api.call('update', '{', { authorization: `Bearer ${MINE}` })).toMatchObject(forbidden());
    api.isStopping = true;
    expect(await call('update', {})).toMatchObject({ status: 503 });
  });
});

describe('a key for some paths', () => {
  beforeEach(() => know({ patterns: ['chat/{room}', 'public/{rest*}'] }));

  it.each([
    ['update', { message: 1 }],
    ['history', {}],
    ['state', {}],
  ])('%s is refused beyond them, and has done nothing', async (method, more) => {
    for (const path of ['secret', 'chat', 'chat/', 'chat/1/2', 'xchat/1', '::connect', 'a*', '']) {
      const answer = await call(method, { path, ...more });
      expect(answer, path).toMatchObject(forbidden('path'));
      expect(answer.body.error.message).toBe('The API key "mine" has no pattern for this path.');
    }
    expect(api.world.counters.updates).toBe(0);
    expect(await call(method, { path: 'chat/1', ...more })).toMatchObject({ status: 200 });
  });

  it('publishes those of several updates that are within, each in its place', async () => {
    const items = [
      { path: 'secret', message: 1 },
      { path: 'chat/1', message: 2 },
      7,
      null,
      { path: 'public/x', message: 3, more: 1 },
      { path: '::x', message: 4 },
      { message: 5 },
      { path: 'chat/2', message: 6 },
    ];
    const { status, body } = await call('updates', { updates: items });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { error: { code: 'forbidden', field: 'updates.0.path' } },
      { position: { offset: 1 } },
      { error: { code: 'bad_field', field: 'updates.2' } },
      { error: { code: 'bad_field', field: 'updates.3' } },
      { error: { code: 'unknown_field', field: 'updates.4.more' } },
      { error: { code: 'forbidden', field: 'updates.5.path' } },
      { error: { code: 'bad_field', field: 'updates.6.path' } },
      { position: { offset: 1 } },
    ]);
    expect(api.world.counters.updates).toBe(2);
  });

  it('answers each of any updates in its place, as a key for all paths would those that are within', async () => {
    const item = fc.oneof(
      fc.record({ path: fc.constantFrom('chat/1', 'chat/2', 'secret', 'public/*'), message: fc.constant(1) }),
      fc.constantFrom<unknown>(7, null, [], {}, { path: 7 }, { path: 'chat/1' }),
    );
    const property = fc.asyncProperty(fc.array(item, { maxLength: 8 }), async (updates) => {
      const { body: mine } = await call('updates', { updates });
      const { body: full } = await api.call('updates', { updates });
      for (const [index, result] of full.results.entries()) {
        const { path } = (updates[index] ?? {}) as { path?: unknown };
        const isBeyond = path === 'secret';
        const error = isBeyond ? { code: 'forbidden', field: `updates.${index}.path` } : result.error;
        if (error === undefined) expect(mine.results[index]).toHaveProperty('position');
        else expect(mine.results[index].error).toMatchObject(error);
      }
      expect(mine.results).toHaveLength(updates.length);
    });
    await fc.assert(property, { numRuns: 50 });
  });

  it('connects and disconnects what is within', async () => {
    const client = api.world.open();
    const { id } = client.session;
    const paths = ['secret', 'chat/1', '::x', 'public/\u0001', 'chat/2'];
    expect((await call('connect', { id, paths, user: 'ada' })).body.results).toMatchObject([
      { path: 'secret', error: { code: 'forbidden', field: 'paths.0' } },
      { path: 'chat/1', position: { offset: 0 } },
      { path: '::x', error: { code: 'forbidden', field: 'paths.2' } },
      { path: 'public/\u0001', error: { code: 'bad_path', field: 'paths.3' } },
      { path: 'chat/2', position: { offset: 0 } },
    ]);
    expect([...client.session.paths.subscriptions.keys()]).toEqual(['chat/1', 'chat/2']);
    await api.call('connect', { id, paths: ['secret'] });
    expect((await call('disconnect', { id, paths: ['chat/2', 'secret'] })).body.results).toMatchObject([
      { path: 'chat/2', wasSubscribed: true },
      { path: 'secret', error: { code: 'forbidden', field: 'paths.1' } },
    ]);
    expect([...client.session.paths.subscriptions.keys()]).toEqual(['chat/1', 'secret']);
  });

  it('does nothing at all of a request that is wholly beyond: no user is bound, no session looked for', async () => {
    const { session } = api.world.open();
    const request = { id: session.id, paths: ['secret'], user: 'eve' };
    expect((await call('connect', request)).body).toMatchObject({
      results: [{ path: 'secret', error: { code: 'forbidden' } }],
    });
    expect(session.user).toBeNull();
    expect(await call('connect', { ...request, id: 'nobody' })).toMatchObject({ status: 200 });
    expect(await call('connect', { ...request, paths: [] })).toMatchObject({ status: 403 });
  });

  it('sees those paths only, page by page, and names no other', async () => {
    const client = api.world.open();
    client.want('public/a', 'public/b', 'public-hidden');
    await api.call('connect', { id: client.session.id, paths: ['chat/1', 'secret'] });
    const pages: string[] = [];
    let after: string | undefined;
    do {
      const { body } = await call('paths', { limit: 1, ...(after === undefined ? {} : { after }) });
      pages.push(...body.paths.map(({ path }: { path: string }) => path));
      after = body.next ?? undefined;
    } while (after !== undefined);
    expect(pages).toEqual(['chat/1', 'public/a', 'public/b']);
    expect((await call('paths', { prefix: 'sec' })).body).toEqual({ paths: [], next: null });
    expect((await call('paths', { names: ['chat/1', 'chat/9'] })).body.paths).toHaveLength(2);
    expect(await call('paths', { names: ['chat/1', 'secret'] })).toMatchObject(forbidden('names.1'));
  });

  it('may use a method that names no paths only if its methods name it', async () => {
    const { id } = api.world.open().session;
    const without = ['kick', 'send', 'broadcast', 'sessions', 'info'];
    for (const method of without) {
      const answer = await call(method, { id });
      expect(answer, method).toMatchObject(forbidden());
      expect(answer.body.error.message).toBe(
        `The API key "mine" has patterns, and "${method}" names no paths: its methods must name it.`,
      );
    }
    expect(api.world.sessions.all.size).toBe(1);
    know({ patterns: ['chat/{room}'], methods: [...without, 'update'] });
    expect(await call('sessions', {})).toMatchObject({ status: 200 });
    expect(await call('kick', { id })).toMatchObject({ status: 200 });
    expect(await call('update', { path: 'secret', message: 1 })).toMatchObject(forbidden('path'));
    expect(await call('history', { path: 'chat/1' })).toMatchObject(forbidden());
  });
});

describe('an idempotency key', () => {
  const request = { path: 'chat/1', message: 1, idempotencyKey: 'k' };

  it('is of one API key: another is not answered what was done for it', async () => {
    know({ patterns: ['chat/{room}'] }, { name: 'other', key: OTHER });
    expect((await call('update', request)).body).not.toHaveProperty('repeated');
    expect((await call('update', request)).body).toHaveProperty('repeated');
    expect((await call('update', request, OTHER)).body).not.toHaveProperty('repeated');
    expect((await api.call('update', request)).body).not.toHaveProperty('repeated');
    expect(await call('update', { ...request, message: 2 }, OTHER)).toMatchObject({ status: 409 });
    expect(api.world.counters.updates).toBe(3);
  });

  it('does not answer what the key may not do any more', async () => {
    know({});
    await call('update', request);
    const several = {
      updates: [
        { path: 'a', message: 1 },
        { path: 'chat/1', message: 2 },
      ],
      idempotencyKey: 'k',
    };
    await call('updates', several);
    know({ patterns: ['chat/{room}'] });
    expect((await call('update', request)).body).toHaveProperty('repeated');
    expect((await call('updates', several)).body.results).toMatchObject([
      { error: { code: 'forbidden' } },
      { position: { offset: 2 }, repeated: true },
    ]);
    know({ patterns: ['other'] });
    expect(await call('update', request)).toMatchObject(forbidden('path'));
  });

  it('is answered the same for what was forbidden in part', async () => {
    know({ patterns: ['chat/{room}'] });
    const several = {
      updates: [{ path: 'a', message: 1 }, { path: 'chat/1', message: 2 }, { path: 'chat/1' }],
      idempotencyKey: 'k',
    };
    const first = await call('updates', several);
    expect(first.body.results[2].error.field).toBe('updates.2.message');
    const [forbiddenItem, published, wrong] = first.body.results;
    const repeated = { ...published, repeated: true };
    expect((await call('updates', several)).body).toEqual({ results: [forbiddenItem, repeated, wrong] });
    expect(api.world.counters.updates).toBe(1);
  });
});

describe('a key that was taken out', () => {
  it('is unauthorized, also for a request whose body was under way', async () => {
    know({});
    const isKnown = api.keys.isKnown.bind(api.keys);
    // The first look lets the request in; the key goes before its body has come.
    let looks = 0;
    api.keys.isKnown = (key) => {
      looks++;
      api.keys.replaceScoped([]);
      return isKnown(key);
    };
    expect(await call('update', { path: 'a', message: 1 })).toMatchObject({ status: 401 });
    expect(looks).toBe(1);
    expect(api.world.counters.updates).toBe(0);
  });
});

it('every list of paths that a method takes is held by its scope', () => {
  const scopes = Object.fromEntries(METHODS.map(({ name, scope }) => [name, scope.names]));
  expect(scopes).toEqual({
    update: 'one',
    updates: 'each',
    connect: 'each',
    disconnect: 'each',
    kick: 'nothing',
    send: 'nothing',
    broadcast: 'nothing',
    sessions: 'nothing',
    paths: 'listed',
    history: 'one',
    state: 'one',
    complete: 'listed',
    info: 'nothing',
  });
});
