import { describe, expect, it } from 'vitest';
import { Backlogs } from '../../../src/core/wire/backlog.js';
import { Flusher } from '../../../src/core/wire/flusher.js';
import { Outbox } from '../../../src/core/wire/outbox.js';
import { FakeCarrier, frameOf, LINES } from '../../support/fake-carrier.js';
import { FakeClock } from '../../support/fake-clock.js';

/** `count` outboxes, each of whose writes takes `writeMs`; `order` names them as they write. */
function setUp(count: number, writeMs = 0) {
  const clock = new FakeClock();
  const flusher = new Flusher(clock);
  const order: number[] = [];
  const outboxes = Array.from({ length: count }, (_, index) => {
    const wire = new (class extends FakeCarrier {
      override write(bytes: Buffer, frames: number): boolean {
        order.push(index);
        clock.spend(writeMs);
        return super.write(bytes, frames);
      }
    })();
    const bounds = { maxFrames: 100, maxBytes: 10_000 };
    const source = { readOn: () => false, overflow: () => undefined };
    return new Outbox(wire, source, { flusher, settings: { outbox: bounds }, backlogs: new Backlogs() });
  });
  const addToAll = (text: string) => {
    const frame = frameOf(text);
    for (const outbox of outboxes) outbox.add(frame);
  };
  return { clock, flusher, order, outboxes, addToAll };
}

describe('the flusher', () => {
  it('adds no delay to an idle server: what is added is written at the end of the turn', () => {
    const { clock, order, addToAll } = setUp(3);
    addToAll('1');
    clock.turn();
    expect([...order].sort()).toEqual([0, 1, 2]);
    expect(clock.timers).toBe(0);
  });

  it('writes at once when it is told to and nothing stands against it, and then not again', () => {
    const { clock, flusher, order, addToAll } = setUp(3);
    flusher.flushIfIdle();
    addToAll('1');
    flusher.flushIfIdle();
    expect(order).toHaveLength(3);
    clock.settle();
    expect(order).toHaveLength(3);
  });

  it('does not write at once between two slices, nor until nothing was written for a while', () => {
    const { clock, flusher, order, addToAll } = setUp(40, 1);
    addToAll('1');
    flusher.flushIfIdle();
    const written = order.length;
    expect(written).toBeLessThan(40);
    addToAll('2');
    flusher.flushIfIdle();
    expect(order).toHaveLength(written);
    clock.advance(200);
    // Those that had not been written before the second update took both at once.
    expect(order).toHaveLength(40 + written);
    addToAll('3');
    clock.advance(200);
    expect(order).toHaveLength(80 + written);
    addToAll('4');
    flusher.flushIfIdle();
    expect(order.length).toBeGreaterThan(80 + written);
    clock.advance(45);
    addToAll('5');
    const before = order.length;
    flusher.flushIfIdle();
    expect(order).toHaveLength(before);
  });

  it('gathers what arrives while a flush is due into one write per connection', () => {
    const { clock, order, addToAll } = setUp(2);
    addToAll('1');
    addToAll('2');
    addToAll('3');
    clock.settle();
    expect(order).toHaveLength(2);
  });

  it('waits twice as long as the last flush took, and no turn less', () => {
    const { clock, order, addToAll } = setUp(1, 4);
    addToAll('1');
    clock.settle();
    addToAll('2');
    clock.advance(7.9);
    expect(order).toHaveLength(1);
    clock.advance(0.1);
    expect(order).toHaveLength(2);
  });

  it('never waits longer than 10 ms', () => {
    const { clock, order, addToAll } = setUp(1, 400);
    addToAll('1');
    clock.settle();
    addToAll('2');
    clock.advance(9.9);
    expect(order).toHaveLength(1);
    clock.advance(0.1);
    expect(order).toHaveLength(2);
  });

  it('does not wait when the pause has passed already', () => {
    const { clock, order, addToAll } = setUp(1, 4);
    addToAll('1');
    clock.settle();
    clock.advance(8);
    addToAll('2');
    clock.turn();
    expect(order).toHaveLength(2);
  });

  it('lets others run after 5 ms, and goes on in the next turn until each was written once', () => {
    const { clock, order, addToAll } = setUp(160, 0.5);
    addToAll('1');
    clock.turn();
    expect(order.length).toBeGreaterThanOrEqual(10);
    expect(order.length).toBeLessThanOrEqual(32);
    clock.settle();
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 160 }, (_, index) => index));
  });

  it('takes longer slices the longer a flush lasts, so that it ends before too much more has come in', () => {
    const { clock, order, addToAll } = setUp(400, 0.5);
    addToAll('1');
    const slices: number[] = [];
    for (let before = 0; order.length < 400; before = order.length) {
      clock.turn();
      slices.push(order.length - before);
    }
    // 5, 20 and 40 ms of half a millisecond each, looked at every 16 writes.
    expect(slices).toEqual([16, 48, 80, 80, 80, 80, 16]);
  });

  it('starts elsewhere each time, so that no connection is always last', () => {
    const { clock, order, addToAll } = setUp(10);
    const lasts = new Set<number | undefined>();
    for (let round = 0; round < 10; round++) {
      addToAll(String(round));
      clock.settle();
      lasts.add(order.at(-1));
    }
    expect(lasts.size).toBeGreaterThan(5);
  });

  it('keeps no frame alive after its flush', () => {
    const { clock, flusher, outboxes } = setUp(1);
    const frame = frameOf('1');
    outboxes[0]?.add(frame);
    const batch = flusher.emptyBatch(LINES).plus(frame);
    expect(flusher.emptyBatch(LINES).plus(frame), 'shared until then').toBe(batch);
    clock.settle();
    expect(flusher.emptyBatch(LINES).plus(frame)).not.toBe(batch);
  });

  it('writes what is added during a flush with the next one', () => {
    const { clock, order, outboxes, addToAll } = setUp(160, 0.5);
    addToAll('1');
    clock.turn();
    const written = outboxes[order[0] as number] as Outbox;
    written.add(frameOf('2'));
    clock.settle();
    clock.advance(10);
    expect(order).toHaveLength(161);
    expect(order.at(-1)).toBe(order[0]);
  });
});
