import { describe, expect, it } from 'vitest';
import { Backlogs } from '../../../src/core/wire/backlog.js';
import { Flusher } from '../../../src/core/wire/flusher.js';
import { Outbox, type OutboxBounds, type Source } from '../../../src/core/wire/outbox.js';
import { FakeCarrier, frameOf } from '../../support/fake-carrier.js';
import { FakeClock } from '../../support/fake-clock.js';

function setUp(
  options: { bounds?: Partial<OutboxBounds>; readOn?: Source['readOn']; isBlocked?: boolean } = {},
) {
  const clock = new FakeClock();
  const wire = new FakeCarrier({ isBlocked: options.isBlocked ?? false });
  const source = { readOn: options.readOn ?? (() => false), overflow: () => undefined };
  const outbox = new Outbox(wire, source, {
    flusher: new Flusher(clock),
    settings: { outbox: { maxFrames: 100, maxBytes: 10_000, ...options.bounds } },
    backlogs: new Backlogs(),
  });
  return { clock, wire, outbox, add: (value: unknown) => outbox.add(frameOf(JSON.stringify(value))) };
}

describe('an outbox', () => {
  it('writes what was added in one turn with one write', () => {
    const { clock, wire, add } = setUp();
    expect([add(1), add(2), add(3)]).toEqual(['ok', 'ok', 'ok']);
    expect(wire.writes).toHaveLength(0);
    clock.settle();
    expect(wire.writes).toHaveLength(1);
    expect(wire.take()).toEqual([1, 2, 3]);
  });

  it('answers "slow" at the bound of frames, and takes nothing of what was refused', () => {
    const { clock, wire, add } = setUp({ bounds: { maxFrames: 2 } });
    expect([add(1), add(2), add(3), add(4)]).toEqual(['ok', 'ok', 'slow', 'slow']);
    clock.settle();
    expect(wire.take()).toEqual([1, 2]);
    expect(add(5)).toBe('ok');
  });

  it('answers "slow" at the bound of bytes, to the byte', () => {
    const { add } = setUp({ bounds: { maxBytes: 4 } });
    expect(add(1)).toBe('ok');
    expect(add(22)).toBe('slow');
    expect(add(2)).toBe('ok');
    expect(add(3)).toBe('slow');
  });

  it('hands nothing over while the wire is blocked, and all of it after', () => {
    const { clock, wire, outbox, add } = setUp();
    wire.isFull = true;
    add(1);
    clock.settle();
    add(2);
    add(3);
    clock.settle();
    expect(wire.take()).toEqual([1]);
    wire.isFull = false;
    outbox.unblock();
    clock.settle();
    expect(wire.take()).toEqual([2, 3]);
    expect(wire.writes).toHaveLength(2);
  });

  it('starts blocked where its wire takes nothing yet', () => {
    const { clock, wire, outbox, add } = setUp({ isBlocked: true });
    add(1);
    clock.settle();
    expect(wire.writes).toHaveLength(0);
    outbox.unblock();
    clock.settle();
    expect(wire.take()).toEqual([1]);
  });

  it('asks its source for more once it has run empty, a helping a turn', () => {
    let left = 3;
    const { clock, wire, outbox, add } = setUp({
      readOn: () => {
        expect(wire.writes).toHaveLength(4 - left);
        if (left > 0) add(`helping ${left--}`);
        return left > 0;
      },
    });
    add('first');
    outbox.wake();
    clock.turn();
    expect(wire.take()).toEqual(['first', 'helping 3']);
    clock.turn();
    expect(wire.take()).toEqual(['helping 2']);
    clock.settle();
    expect(wire.take()).toEqual(['helping 1']);
    expect(clock.isBusy).toBe(false);
  });

  it('does not ask a source that has not woken it', () => {
    let asked = 0;
    const { clock, wire, outbox, add } = setUp({ readOn: () => ++asked < 0 });
    add(1);
    clock.settle();
    expect([wire.take(), asked]).toEqual([[1], 0]);
    outbox.wake();
    clock.settle();
    add(2);
    clock.settle();
    expect(asked).toBe(1);
  });

  it('asks again as long as the source has more, though it had nothing to add this time', () => {
    let asked = 0;
    const { clock, outbox } = setUp({ readOn: () => ++asked < 3 });
    outbox.wake();
    clock.settle();
    expect(asked).toBe(3);
  });

  it('does not ask its source while the wire is blocked', () => {
    let asked = 0;
    const { clock, wire, outbox, add } = setUp({
      readOn: () => {
        asked++;
        return false;
      },
    });
    wire.isFull = true;
    add(1);
    clock.settle();
    outbox.wake();
    clock.settle();
    expect(asked).toBe(0);
    outbox.unblock();
    clock.settle();
    expect(asked).toBe(1);
  });

  it('writes what waits when it is closed, even to a blocked wire, and the last frame at the end', () => {
    const { clock, wire, outbox, add } = setUp();
    wire.isFull = true;
    add(1);
    clock.settle();
    add(2);
    outbox.close(frameOf('"last"'));
    expect(wire.take()).toEqual([1, 2, 'last']);
    expect(add(3)).toBe('closed');
    outbox.close(frameOf('"again"'));
    outbox.unblock();
    clock.settle();
    expect(wire.take()).toEqual([]);
  });

  it('finds room for the last frame when it is full', () => {
    const { wire, outbox, add } = setUp({ bounds: { maxFrames: 1 } });
    expect([add(1), add(2)]).toEqual(['ok', 'slow']);
    outbox.close(frameOf('"last"'));
    expect(wire.take()).toEqual([1, 'last']);
  });

  it('drops what waits when its wire is gone', () => {
    const { clock, wire, outbox, add } = setUp();
    add(1);
    outbox.discard();
    clock.settle();
    expect(wire.writes).toHaveLength(0);
    expect(add(2)).toBe('closed');
  });
});
