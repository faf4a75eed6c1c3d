import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimerWheel } from '../../../src/core/time/timer-wheel.js';
import { FakeClock } from '../../support/fake-clock.js';

const SLOT_MS = 250;

describe('the timer wheel', () => {
  it('fires once, never early and at most one slot late', () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    let fired = 0;
    wheel.after(1_000, () => fired++);
    clock.advance(999);
    expect(fired).toBe(0);
    clock.advance(1 + SLOT_MS);
    expect(fired).toBe(1);
    clock.advance(10_000_000);
    expect(fired).toBe(1);
  });

  it('keeps to that for any waits that begin at any time', () => {
    const waits = fc.array(
      fc.record({ pause: fc.integer({ min: 0, max: 900 }), ms: fc.integer({ min: 0, max: 150_000 }) }),
      {
        maxLength: 20,
      },
    );
    const property = fc.property(waits, (list) => {
      const clock = new FakeClock();
      const wheel = new TimerWheel(clock);
      const late: number[] = [];
      for (const { pause, ms } of list) {
        clock.advance(pause);
        const due = clock.monotonic() + ms;
        wheel.after(ms, () => late.push(clock.monotonic() - due));
      }
      clock.advance(200_000);
      expect(late).toHaveLength(list.length);
      for (const ms of late) expect(ms >= 0 && ms <= SLOT_MS, `${ms} ms late`).toBe(true);
      expect(clock.timers).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('fires nothing early after the loop was blocked, not even what a late timer sets up', () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const fired: string[] = [];
    wheel.after(500, () => {
      fired.push('first');
      wheel.after(2_000, () => fired.push('second'));
    });
    clock.spend(30_000);
    clock.settle();
    expect(fired).toEqual(['first']);
    clock.advance(1_999);
    expect(fired).toEqual(['first']);
    clock.advance(1 + SLOT_MS);
    expect(fired).toEqual(['first', 'second']);
  });

  it('fires what is due at different times in their order after the loop was blocked', () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const fired: number[] = [];
    for (const ms of [5_000, 1_000, 3_000]) wheel.after(ms, () => fired.push(ms));
    clock.spend(60_000);
    clock.settle();
    expect(fired).toEqual([1_000, 3_000, 5_000]);
  });

  it('does not fire what was cancelled, even by a task of the same slot', () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const fired: string[] = [];
    const timers = ['a', 'b'].map((name) =>
      wheel.after(1_000, () => {
        fired.push(name);
        for (const timer of timers) timer.cancel();
      }),
    );
    const other = wheel.after(1_000, () => fired.push('c'));
    other.cancel();
    other.cancel();
    clock.advance(5_000);
    expect(fired).toEqual(['a']);
  });

  it('holds a timer of the system only while it holds timers', () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    expect(clock.timers).toBe(0);
    const timer = wheel.after(100, () => {});
    wheel.after(100, () => {});
    expect(clock.timers).toBe(1);
    timer.cancel();
    clock.advance(1_000);
    expect(clock.timers).toBe(0);
  });

  it('drops every timer when it is stopped, and can be used again', () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const fired: string[] = [];
    wheel.after(100, () => fired.push('before'));
    wheel.stop();
    wheel.stop();
    expect(clock.timers).toBe(0);
    wheel.after(100, () => fired.push('after'));
    clock.advance(1_000);
    expect(fired).toEqual(['after']);
  });
});
