import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogBounds, PathLog } from '../../../src/core/log/path-log.js';
import { logEntry } from '../../../src/core/log/update.js';

const DRAFT = { path: 'a', key: null, message: null, text: 'null', sender: '', except: null };

const WIDE: LogBounds = { maxUpdates: 1_000_000, maxBytes: 1_000_000_000, maxAgeMs: 1_000_000 };

function logOf(bounds: Partial<LogBounds> = {}) {
  const log = new PathLog('epoch001', { ...WIDE, ...bounds });
  const add = (count = 1, text = 'x', at = 0) => {
    for (let i = 0; i < count; i++) log.append(logEntry({ ...DRAFT, text }, log.nextOffset, at));
  };
  const offsets = (after = 0) => {
    const found: number[] = [];
    for (let entry = log.after(after); entry !== undefined; entry = log.after(entry.offset))
      found.push(entry.offset);
    return found;
  };
  return { log, add, offsets };
}

describe('a log', () => {
  it('begins with a head at 0 and holds nothing', () => {
    const { log, offsets } = logOf();
    expect(log.head).toEqual({ epoch: 'epoch001', offset: 0 });
    expect(log).toMatchObject({ nextOffset: 1, size: 0, bytes: 0, floor: 0 });
    expect(offsets()).toEqual([]);
  });

  it('evicts the oldest above the bound of updates', () => {
    const { log, add, offsets } = logOf({ maxUpdates: 3 });
    add(5);
    expect(offsets()).toEqual([3, 4, 5]);
    expect(log).toMatchObject({ size: 3, floor: 2 });
  });

  it('counts the bytes of keys', () => {
    const bytesOf = (key: string | null) => logEntry({ ...DRAFT, key }, 1, 0).bytes;
    expect(bytesOf('ä'.repeat(10)) - bytesOf(null)).toBe(20);
  });

  it('evicts the oldest above the bound of bytes, which count UTF-8 and a cost for each', () => {
    const bytes = logEntry({ ...DRAFT, text: '👋' }, 1, 0).bytes;
    expect(bytes).toBeGreaterThan(4);
    const { log, add, offsets } = logOf({ maxBytes: 2 * bytes });
    add(3, '👋');
    expect(offsets()).toEqual([2, 3]);
    expect(log.bytes).toBe(2 * bytes);
  });

  it('evicts what is older than the bound, at the next update or when asked', () => {
    const { log, add, offsets } = logOf({ maxAgeMs: 100 });
    add(1, 'x', 0);
    add(1, 'x', 50);
    add(1, 'x', 101);
    expect(offsets()).toEqual([2, 3]);
    log.evictAged(151);
    expect(offsets()).toEqual([3]);
  });

  it('keeps its head when everything was evicted, and never gives an offset again', () => {
    const { log, add, offsets } = logOf();
    add(3);
    while (log.size > 0) log.evictOldest();
    log.evictOldest();
    expect(log.head.offset).toBe(3);
    expect(log).toMatchObject({ floor: 3, bytes: 0, nextOffset: 4 });
    add();
    expect(offsets()).toEqual([4]);
  });

  it('drops an update that is larger than the whole log, but not its offset', () => {
    const { log, add } = logOf({ maxBytes: 200 });
    add(1, 'x'.repeat(500));
    expect(log).toMatchObject({ size: 0, bytes: 0, floor: 1, nextOffset: 2 });
  });

  it('reads from the oldest that is held when asked for what was evicted', () => {
    const { log, add } = logOf({ maxUpdates: 2 });
    add(10);
    expect(log.after(0)?.offset).toBe(9);
    expect(log.after(9)?.offset).toBe(10);
    expect(log.after(10)).toBeUndefined();
  });

  it('stays right while evicted places are cut off', () => {
    const { log, add, offsets } = logOf({ maxUpdates: 10 });
    for (let i = 1; i <= 3_000; i++) {
      add();
      expect(log.after(log.floor)?.offset).toBe(Math.max(1, i - 9));
    }
    expect(offsets()).toEqual([2991, 2992, 2993, 2994, 2995, 2996, 2997, 2998, 2999, 3000]);
  });

  it('is like a list of which the front is cut, whatever happens', () => {
    const operation = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ evict: fc.integer({ min: 1, max: 400 }) }),
    );
    const property = fc.property(
      fc.array(operation, { maxLength: 30 }),
      fc.integer({ min: 1, max: 700 }),
      check,
    );
    function check(operations: ({ add: number } | { evict: number })[], maxUpdates: number) {
      const { log, add, offsets } = logOf({ maxUpdates });
      let model: number[] = [];
      let head = 0;
      for (const step of operations) {
        if ('add' in step) {
          add(step.add);
          for (let i = 0; i < step.add; i++) model.push(++head);
          model = model.slice(-maxUpdates);
        } else {
          for (let i = 0; i < step.evict; i++) log.evictOldest();
          model = model.slice(step.evict);
        }
        expect(offsets()).toEqual(model);
        expect(log).toMatchObject({ size: model.length, floor: head - model.length, nextOffset: head + 1 });
        expect(log.bytes === 0).toBe(model.length === 0);
      }
    }
    fc.assert(property, { numRuns: 200 });
  });
});
