import { describe, expect, it } from 'vitest';
import { createApi } from '../support/api.js';

const MINUTES_5 = 300_000;

describe('a request with an idempotency key', () => {
  it('takes effect once; the same again gets the same answer, and says so', async () => {
    const api = createApi();
    const request = { path: 'a', message: 1, idempotencyKey: 'k' };
    const first = await api.call('update', request);
    const again = await api.call('update', request);
    expect(first.body).toEqual({ position: { epoch: 'epoch001', offset: 1 } });
    expect(again.body).toEqual({ ...first.body, repeated: true });
    expect(api.world.counters.updates).toBe(1);
  });

  it('is refused when another request came with the key before, and does nothing', async () => {
    const api = createApi();
    await api.call('update', { path: 'a', message: 1, idempotencyKey: 'k' });
    const other = await api.call('update', { path: 'a', message: 2, idempotencyKey: 'k' });
    expect(other).toMatchObject({
      status: 409,
      body: { error: { code: 'idempotency_key_reused', field: 'idempotencyKey' } },
    });
    expect(api.world.counters.updates).toBe(1);
  });

  it('shares its key with no other method', async () => {
    const api = createApi();
    await api.call('update', { path: 'a', message: 1, idempotencyKey: 'k' });
    const { status } = await api.call('updates', {
      updates: [{ path: 'a', message: 1 }],
      idempotencyKey: 'k',
    });
    expect(status).toBe(200);
  });

  it('that was refused may be tried again', async () => {
    const api = createApi();
    const { status } = await api.call('update', { path: '::x', message: 1, idempotencyKey: 'k' });
    expect(status).toBe(400);
    expect((await api.call('update', { path: 'a', message: 1, idempotencyKey: 'k' })).status).toBe(200);
  });

  it('is remembered by the next server, when this one hands over', async () => {
    const api = createApi();
    const request = { path: 'a', message: 1, idempotencyKey: 'k' };
    await api.call('update', request);
    const next = api.handOver();
    expect(await next.call('update', request)).toEqual({
      status: 200,
      body: { position: { epoch: 'epoch001', offset: 1 }, repeated: true },
    });
    expect((await next.call('update', { ...request, message: 2 })).body).toMatchObject({
      error: { code: 'idempotency_key_reused' },
    });
    expect(next.world.counters.updates).toBe(0);
    next.world.clock.advance(MINUTES_5 + 1);
    expect((await next.call('update', { ...request, message: 2 })).body).not.toHaveProperty('repeated');
  });

  it('that was refused by a server that stops is published once by the next', async () => {
    const api = createApi();
    api.isStopping = true;
    const request = { path: 'a', message: 1, idempotencyKey: 'k' };
    expect((await api.call('update', request)).status).toBe(503);
    const next = api.handOver();
    expect((await next.call('update', request)).body).toEqual({ position: { epoch: 'epoch001', offset: 1 } });
    expect((await next.call('update', request)).body).toMatchObject({ repeated: true });
    expect(next.world.counters.updates).toBe(1);
  });

  it('is remembered for 5 minutes', async () => {
    const api = createApi();
    const request = { path: 'a', message: 1, idempotencyKey: 'k' };
    await api.call('update', request);
    api.world.clock.spend(MINUTES_5);
    expect((await api.call('update', request)).body).toHaveProperty('repeated', true);
    api.world.clock.spend(1);
    expect((await api.call('update', request)).body).not.toHaveProperty('repeated');
  });

  it('takes effect once though it comes twice at the same time', async () => {
    const api = createApi();
    const request = { path: 'a', message: 1, idempotencyKey: 'k' };
    const answers = await Promise.all([1, 2, 3].map(() => api.call('update', request)));
    expect(answers.filter(({ body }) => body.repeated)).toHaveLength(2);
    expect(api.world.counters.updates).toBe(1);
  });

  it('of a list holds for each item: what failed is tried again, the others are repeated', async () => {
    const api = createApi({ state: { maxKeys: 1, maxBytes: 10_000 } });
    await api.call('update', { path: 'b', message: 1, key: 'x' });
    const item = (path: string, key?: string) => ({ path, message: 1, ...(key && { key }) });
    const updates = [item('a'), item('b', 'y'), item('a')];
    const results = async () => (await api.call('updates', { updates, idempotencyKey: 'k' })).body.results;
    expect(await results()).toMatchObject([
      { position: { offset: 1 } },
      { error: { code: 'state_full' } },
      { position: { offset: 2 } },
    ]);
    const reused = await api.call('updates', { updates: [item('a', 'z')], idempotencyKey: 'k' });
    expect(reused.body.results[0].error).toMatchObject({
      ...{ code: 'idempotency_key_reused', field: 'idempotencyKey' },
    });
    await api.call('update', { path: 'b', message: null, key: 'x' });
    expect(await results()).toMatchObject([
      { position: { offset: 1 }, repeated: true },
      { position: { offset: 3 } },
      { position: { offset: 2 }, repeated: true },
    ]);
  });

  it('of messages to sessions sends each session its message once', async () => {
    const api = createApi();
    const clients = [api.world.open(), api.world.open()];
    const [a, b] = clients.map(({ session }) => session.id);
    const send = (message: string, ...sessions: unknown[]) =>
      api.call('send', { sessions, message, idempotencyKey: 'k' });
    expect((await send('x', a)).body).toEqual({ sent: [a], unknown: [] });
    expect((await send('x', a)).body).toEqual({ sent: [a], unknown: [], repeated: true });
    expect(await send('x', a, b), 'another request').toMatchObject({ status: 409 });
    await api.call('broadcast', { message: 'all', idempotencyKey: 'k' });
    const again = await api.call('broadcast', { message: 'all', idempotencyKey: 'k' });
    expect(again.body).toHaveProperty('repeated', true);
    expect(clients.map((client) => client.messages())).toEqual([['x', 'all'], ['all']]);
  });
});
