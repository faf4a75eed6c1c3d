import { afterEach, expect, it, vi } from 'vitest';
import { steadyClock, systemClock } from '../../../src/core/time/clock.js';

afterEach(() => vi.useRealTimers());

it.each([-3_600_000, 3_600_000])('a clock of the machine that is set by %i ms changes no age', (ms) => {
  const before = { steady: steadyClock.now(), monotonic: systemClock.monotonic() };
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
  expect(Math.abs(steadyClock.now() - before.steady)).toBeLessThan(1_000);
  expect(Math.abs(systemClock.monotonic() - before.monotonic)).toBeLessThan(1_000);
  expect(Math.abs(systemClock.now() - before.steady)).toBeGreaterThan(3_500_000);
});

it('says the time of day in whole milliseconds', () => {
  expect(Number.isInteger(steadyClock.now())).toBe(true);
  expect(Math.abs(steadyClock.now() - Date.now())).toBeLessThan(60_000);
});
