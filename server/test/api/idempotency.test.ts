import { describe, expect, it } from 'vitest';
import { Idempotency } from '../../src/api/idempotency.js';
import { createApi } from '../support/api.js';
import { FakeClock } from '../support/fake-clock.js';

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
    const clock = new FakeClock();
    const idempotency = new Idempotency(clock);
    let runs = 0;
    const once = () => idempotency.once('k', { a: 1 }, () => ({ run: ++runs }));
    expect(await once()).toEqual({ run: 1 });
    clock.spend(MINUTES_5);
    expect(await once()).toEqual({ run: 1, repeated: true });
    clock.spend(1);
    expect(await once()).toEqual({ run: 2 });
  });

  it('waits for the one that is still under way', async () => {
    const idempotency = new Idempotency(new FakeClock());
    let finish: (answer: object) => void = () => {};
    const task = () => new Promise<object>((resolve) => (finish = resolve));
    const first = idempotency.once('k', 1, task);
    const second = idempotency.once('k', 1, () => {
      throw new Error('this must not run');
    });
    await Promise.resolve();
    finish({ done: true });
    expect(await Promise.all([first, second])).toEqual([{ done: true }, { done: true, repeated: true }]);
  });

  it('fails like the one that is under way, and then runs again', async () => {
    const idempotency = new Idempotency(new FakeClock());
    const failing = () => Promise.reject(new Error('no'));
    const both = await Promise.allSettled([
      idempotency.once('k', 1, failing),
      idempotency.once('k', 1, failing),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await idempotency.once('k', 1, () => ({ ok: true }))).toEqual({ ok: true });
  });

  it('is one of a bounded number; the oldest is forgotten', async () => {
    const idempotency = new Idempotency(new FakeClock());
    for (let i = 0; i <= 100_000; i++) await idempotency.once(`k${i}`, 1, () => ({}));
    expect(await idempotency.once('k100000', 1, () => ({}))).toEqual({ repeated: true });
    expect(await idempotency.once('k0', 1, () => ({}))).toEqual({});
  });
});

it('one that was forgotten while it was under way leaves alone whoever has its key now', async () => {
  const clock = new FakeClock();
  const idempotency = new Idempotency(clock);
  let fail = (_: Error): void => {};
  const slow = new Promise<object>((_, reject) => {
    fail = reject;
  });
  const first = idempotency.once('k', 1, () => slow);
  clock.advance(MINUTES_5 + 1_000);
  await idempotency.once('k', 1, () => ({ position: null }));
  fail(new Error('the disk is full'));
  await expect(first).rejects.toThrow('the disk is full');
  expect(idempotency.snapshots()).toHaveLength(1);
});
