import { expect, it } from 'vitest';
import { Admission } from '../../src/core/admission.js';
import { FakeClock } from '../support/fake-clock.js';
import { createWorld } from '../support/world.js';

const times = (count: number) => Array.from({ length: count }, (_, i) => i);

it('lets in one second’s worth at once, and as many in each second after', () => {
  const clock = new FakeClock();
  const admission = new Admission(clock, 10);
  expect(times(11).filter(() => admission.admit() === 0)).toHaveLength(10);
  clock.advance(500);
  expect(times(11).filter(() => admission.admit() === 0)).toHaveLength(5);
  clock.advance(60_000);
  expect(times(20).filter(() => admission.admit() === 0)).toHaveLength(10);
});

it('tells each of those who wait a later time, spread as they will be let in', () => {
  const clock = new FakeClock();
  const admission = new Admission(clock, 10);
  const waits = times(14).map(() => admission.admit());
  expect(waits.slice(10)).toEqual([1_100, 1_200, 1_300, 1_400]);
  clock.advance(50);
  for (let i = 0; i < 10; i++) admission.admit();
  expect(admission.admit(), 'behind those who wait already').toBeGreaterThan(1_400);
});

it('lets everybody of a stampede in who comes back when told, none of them twice', () => {
  const clock = new FakeClock();
  const admission = new Admission(clock, 100);
  const waits = times(1_000).map(() => admission.admit());
  const start = clock.monotonic();
  for (const wait of waits.filter((ms) => ms > 0).sort((a, b) => a - b)) {
    clock.advance(start + wait - clock.monotonic());
    expect(admission.admit()).toBe(0);
  }
  expect(clock.monotonic() - start).toBeLessThanOrEqual(10_100);
});

it('asks nobody to wait longer than a ticket lasts', () => {
  const admission = new Admission(new FakeClock(), 1);
  expect(Math.max(...times(1_000).map(() => admission.admit()))).toBe(300_000);
});

it('refuses an opening with the time to come back, whatever ticket it has, and lets open sessions be', () => {
  const world = createWorld({ settings: { maxOpensPerSecond: 1 } });
  const client = world.open({ paths: [{ path: 'public' }] });
  const ticket = client.ticket();
  const refused = { error: { code: 'too_many_opens' }, close: 'busy', reconnectAfterMs: 2_000 };
  expect(world.tryOpen({ ticket })).toMatchObject(refused);
  world.publish('public', 1);
  expect(client.messages()).toEqual([1]);
  world.clock.advance(2_000);
  expect(world.tryOpen({ ticket })).toMatchObject({ session: { id: 'session-1' } });
});
