import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../src/back-end/circuit-breaker.js';
import { FakeClock } from '../support/fake-clock.js';

function circuit() {
  const clock = new FakeClock();
  const changes: (number | null)[] = [];
  const made = new CircuitBreaker(clock, (pauseMs) => changes.push(pauseMs));
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) made.failed(made.allow() ?? {});
  };
  const isAsked = () => made.allow() !== null;
  return { clock, circuit: made, changes, fail, isAsked };
}

describe('a circuit', () => {
  it('stays closed as long as failures do not follow each other', () => {
    const { circuit: it, changes, fail, isAsked } = circuit();
    fail(4);
    it.allow();
    it.succeeded();
    fail(4);
    expect([isAsked(), changes]).toEqual([true, []]);
  });

  it('opens after five failures in a row, and lets one through after a second', () => {
    const { clock, changes, fail, isAsked } = circuit();
    fail(5);
    expect([isAsked(), changes]).toEqual([false, [1_000]]);
    clock.advance(999);
    expect(isAsked()).toBe(false);
    clock.advance(1);
    expect([isAsked(), isAsked()]).toEqual([true, false]);
  });

  it('closes when that one succeeds', () => {
    const { clock, circuit: it, changes, fail, isAsked } = circuit();
    fail(5);
    clock.advance(1_000);
    it.allow();
    it.succeeded();
    expect([isAsked(), isAsked(), changes]).toEqual([true, true, [1_000, null]]);
    fail(4);
    expect(isAsked()).toBe(true);
  });

  it('waits twice as long after each that fails, at most half a minute', () => {
    const { clock, changes, fail, isAsked } = circuit();
    fail(5);
    for (let i = 0; i < 6; i++) {
      clock.advance(30_000);
      fail(1);
    }
    expect(changes).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(isAsked()).toBe(false);
  });

  it('learns nothing from those that were asked before it opened', () => {
    const { clock, circuit: it, changes, isAsked } = circuit();
    const tokens = Array.from({ length: 20 }, () => it.allow());
    for (const token of tokens) it.failed(token as object);
    expect(changes).toEqual([1_000]);
    clock.advance(1_000);
    expect(isAsked()).toBe(true);
  });

  it('asks again when nobody waited for the one that was let through', () => {
    const { clock, circuit: it, fail, isAsked } = circuit();
    fail(5);
    clock.advance(1_000);
    const probe = it.allow() as object;
    it.cancelled({});
    expect(isAsked()).toBe(false);
    it.cancelled(probe);
    expect(isAsked()).toBe(true);
  });
});
