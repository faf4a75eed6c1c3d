import { describe, expect, it } from 'vitest';
import {
  type Counted,
  FRAME_WINDOW_MS,
  FrameRate,
  MAX_WINDOW_FRAMES,
  TURN_COST,
} from '../../../src/core/wire/frame-rate.js';
import { FakeClock } from '../../support/fake-clock.js';

const counted = (): Counted => ({ turn: -1, turnCost: 0, window: -1, windowFrames: 0 });

describe('what a connection may send', () => {
  it('in one turn is so much; the next turn has room again', () => {
    const clock = new FakeClock();
    const frameRate = new FrameRate(clock, 100);
    const connection = counted();
    let taken = 0;
    for (; frameRate.hasTurn(connection); taken++) frameRate.spends(connection, 15);
    expect(taken).toBeGreaterThanOrEqual(48);
    expect(taken).toBeLessThanOrEqual(64);
    expect(frameRate.hasTurn(counted())).toBe(true);
    clock.turn();
    expect(frameRate.hasTurn(connection)).toBe(true);
  });

  it('in one turn is at least one frame, however large', () => {
    const frameRate = new FrameRate(new FakeClock(), 100);
    const connection = counted();
    expect(frameRate.hasTurn(connection)).toBe(true);
    frameRate.spends(connection, 10 * TURN_COST);
    expect(frameRate.hasTurn(connection)).toBe(false);
  });

  it('in four seconds is so many frames', () => {
    const clock = new FakeClock();
    const frameRate = new FrameRate(clock, 100);
    const connection = counted();
    expect(frameRate.takes(connection, MAX_WINDOW_FRAMES)).toBe(true);
    expect(frameRate.takes(connection, 1)).toBe(false);
    clock.advance(FRAME_WINDOW_MS);
    expect(frameRate.takes(connection, 1)).toBe(true);
  });

  it('leaves room for all subscriptions of a session in frames of their own, and for every command it may give', () => {
    const clock = new FakeClock();
    for (const perSecond of [1, 100, 10_000]) {
      const frameRate = new FrameRate(clock, perSecond);
      const connection = counted();
      expect(frameRate.takes(connection, 1_000)).toBe(true);
      for (let s = 0; s < 20; s++) {
        clock.advance(1_000);
        expect(frameRate.takes(connection, perSecond)).toBe(true);
      }
    }
  });
});
