import { beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../support/api.js';
import { LOG } from '../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

let api: Api;

async function history(body: object): Promise<{ told: unknown[]; gap: unknown; next: unknown }> {
  const { body: answer } = await api.call('history', { path: 'a', ...body });
  const told = answer.updates.map((update: { message: unknown }) => update.message);
  return { told, gap: answer.gap, next: answer.next };
}

describe('history', () => {
  beforeEach(() => {
    api = createApi({ log: { ...LOG, maxUpdates: 8 } });
    for (let i = 1; i <= 10; i++) api.world.publish('a', i, i === 10 ? { key: 'ten' } : {});
  });

  it('gives each update with its position, and its key where it has one', async () => {
    expect(await api.call('history', { path: 'a', since: at(8) })).toEqual({
      status: 200,
      body: {
        updates: [
          { position: at(9), message: 9 },
          { position: at(10), message: 10, key: 'ten' },
        ],
        gap: null,
        head: at(10),
        next: null,
      },
    });
  });

  it('gives all that the log holds, page by page, either way', async () => {
    for (const [reverse, all] of [
      [false, [3, 4, 5, 6, 7, 8, 9, 10]],
      [true, [10, 9, 8, 7, 6, 5, 4, 3]],
    ] as const) {
      const pages: unknown[][] = [];
      let since: unknown;
      do {
        const page = await history({ limit: 3, reverse, ...(since ? { since } : {}) });
        pages.push(page.told);
        since = page.next;
      } while (since);
      expect(pages).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6)]);
    }
  });

  it('tells what is lost after the position, as the gap frame does', async () => {
    expect(await history({ since: at(1), limit: 1 })).toEqual({
      told: [3],
      gap: { from: at(1), to: at(2), reason: 'evicted' },
      next: at(3),
    });
    const other = await history({ since: at(7, 'epoch000') });
    expect(other.gap).toEqual({ from: at(7, 'epoch000'), to: at(2), reason: 'restarted' });
    expect(other.told).toHaveLength(8);
  });

  it('goes back from a position, and finds nothing before one of another epoch', async () => {
    expect((await history({ since: at(5), reverse: true })).told).toEqual([4, 3]);
    expect((await history({ since: at(5, 'epoch000'), reverse: true })).told).toEqual([]);
  });

  it('refuses a position that the path has never reached, and one that is none', async () => {
    expect(await api.call('history', { path: 'a', since: at(11) })).toMatchObject({
      status: 400,
      body: { error: { code: 'bad_position', field: 'since' } },
    });
    for (const since of [at(-1), { epoch: 'epoch001' }, { epoch: 7, offset: 1 }, 7, null]) {
      expect(await api.call('history', { path: 'a', since })).toMatchObject({
        status: 400,
        body: { error: { code: 'bad_field' } },
      });
    }
  });

  it('ends a page that holds much, and says where to go on', async () => {
    api = createApi({ log: { ...LOG, maxBytes: 10_000_000 } });
    for (let i = 0; i < 40; i++) api.world.publish('a', 'x'.repeat(60_000));
    const { body } = await api.call('history', { path: 'a', limit: 1_000 });
    expect(body.updates.length).toBeLessThan(20);
    expect(body.next).toEqual(body.updates.at(-1).position);
  });

  it('looks without leaving a path behind', async () => {
    await api.call('history', { path: 'never' });
    expect(api.world.dispatcher.paths.size).toBe(0);
  });
});

describe('what is published', () => {
  it('is nested no deeper than can be read again, within other things', async () => {
    api = createApi();
    const nested = (depth: number) => `${'['.repeat(depth)}"]]]"${']'.repeat(depth)}`;
    const update = (depth: number) => `{"path":"a","key":"k","message":${nested(depth)}}`;
    expect((await api.call('update', update(512))).status).toBe(200);
    for (const depth of [513, 4_109, 20_000]) {
      expect(await api.call('update', update(depth))).toMatchObject({
        status: 400,
        body: { error: { code: 'bad_field', field: 'message' } },
      });
    }
    const wide = `{"path":"a","message":${JSON.stringify(Array.from({ length: 2_000 }, () => [['\\"[']]))}}`;
    expect((await api.call('update', wide)).status).toBe(200);
    expect((await api.call('history', { path: 'a' })).body.updates).toHaveLength(2);
    expect((await api.call('state', { path: 'a' })).body.entries).toHaveLength(1);
  });
});

describe('state', () => {
  beforeEach(() => {
    api = createApi();
    for (const key of ['c', 'a', 'b', 'd']) api.world.publish('a', `of ${key}`, { key });
    api.world.publish('a', null, { key: 'd' });
  });

  it('gives the newest message of each key with its position, in the order of the keys', async () => {
    expect(await api.call('state', { path: 'a' })).toEqual({
      status: 200,
      body: {
        entries: [
          { key: 'a', message: 'of a', position: at(2) },
          { key: 'b', message: 'of b', position: at(3) },
          { key: 'c', message: 'of c', position: at(1) },
        ],
        position: at(5),
        next: null,
      },
    });
  });

  it('gives it page by page, or the keys that are named', async () => {
    const first = await api.call('state', { path: 'a', limit: 2 });
    expect(first.body).toMatchObject({ entries: [{ key: 'a' }, { key: 'b' }], next: 'b' });
    const second = await api.call('state', { path: 'a', limit: 2, after: 'b' });
    expect(second.body).toMatchObject({ entries: [{ key: 'c' }], next: null });
    const named = await api.call('state', { path: 'a', keys: ['c', 'gone', 'a'] });
    expect(named.body.entries.map(({ key }: { key: string }) => key)).toEqual(['a', 'c']);
  });

  it('answers about 1 MB at the most, each key once, and says where to go on', async () => {
    api = createApi({ state: { maxKeys: 100, maxBytes: 10_000_000 } });
    for (let i = 0; i < 30; i++) api.world.publish('large', 'x'.repeat(60_000), { key: `k${i + 10}` });
    const { body } = await api.call('state', { path: 'large', limit: 1_000 });
    expect(body.entries).toHaveLength(18);
    expect(body.next).toBe('k27');
    const rest = await api.call('state', { path: 'large', limit: 1_000, after: body.next });
    expect(rest.body.entries).toHaveLength(12);
    expect(rest.body.next).toBeNull();
    const named = await api.call('state', {
      path: 'large',
      keys: Array.from({ length: 1_000 }, () => 'k10'),
    });
    expect(named.body.entries).toHaveLength(1);
  });

  it('leaves no path behind that was only asked for', async () => {
    await api.call('state', { path: 'never' });
    expect(api.world.dispatcher.paths.size).toBe(0);
  });

  it('is changed by update and updates, each by itself', async () => {
    const { body } = await api.call('updates', {
      updates: [
        { path: 'a', key: 'x', message: 1 },
        { path: 'a', key: 'control\u0000', message: 1 },
        { path: 'nolog', key: 'x', message: 1 },
        { path: 'a', key: 'a', message: null },
      ],
    });
    expect(body.results).toMatchObject([
      { position: at(6) },
      { error: { code: 'bad_key', field: 'updates.1.key' } },
      { error: { code: 'no_state', field: 'updates.2.key' } },
      { position: at(7) },
    ]);
    const { body: state } = await api.call('state', { path: 'a', keys: ['a', 'x'] });
    expect(state.entries).toEqual([{ key: 'x', message: 1, position: at(6) }]);
  });

  it('that is full refuses with a status that says so', async () => {
    api = createApi({ state: { maxKeys: 1, maxBytes: 10_000 } });
    await api.call('update', { path: 'a', key: 'x', message: 1 });
    expect(await api.call('update', { path: 'a', key: 'y', message: 1 })).toMatchObject({
      status: 507,
      body: { error: { code: 'state_full', field: 'key', retryable: false } },
    });
    expect((await api.call('history', { path: 'a' })).body.updates).toHaveLength(1);
  });
});
