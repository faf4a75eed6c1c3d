import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '../src/clock.js';

afterEach(() => vi.useRealTimers());

it.each([-3_600_000, 3_600_000])(
  'the clock of the machine set by %i ms does not change what has elapsed',
  (ms) => {
    const before = systemClock.now();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
    expect(Math.abs(systemClock.now() - before)).toBeLessThan(1_000);
  },
);
