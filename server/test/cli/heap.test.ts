/** An idle process collects its garbage once; a busy or large one is left to V8. */
import { describe, expect, it } from 'vitest';
import { IdleCollector } from '../../src/cli/heap.js';

const MB = 1024 * 1024;

/** A heap with `live` MB that live and `garbage` MB that do not. */
function heapOf(live: number, garbage: number) {
  const heap = { live, garbage: 0, busy: 0, collections: 0 };
  const collector = new IdleCollector({
    usedBytes: () => (heap.live + heap.garbage) * MB,
    busyPart: () => heap.busy,
    collect() {
      heap.collections++;
      heap.garbage = 0;
    },
  });
  heap.garbage = garbage;
  const look = (times: number): number => {
    for (let i = 0; i < times; i++) collector.look();
    return heap.collections;
  };
  return { heap, look };
}

describe('an idle process', () => {
  it('collects when it has been idle for 40 s, and not again for what lives', () => {
    const { heap, look } = heapOf(30, 10);
    expect([look(3), look(1), look(100)]).toEqual([0, 1, 1]);
    heap.garbage = 10;
    expect(look(4)).toBe(2);
  });

  it('collects once for what came to live, and never for little', () => {
    const { heap, look } = heapOf(30, 0);
    heap.live = 60;
    expect(look(100)).toBe(1);
    heap.garbage = 14; // a quarter of what lives
    expect(look(100)).toBe(1);
  });

  it('does not collect while it is busy now and then, nor when it is large', () => {
    const { heap, look } = heapOf(30, 10);
    for (let i = 0; i < 10; i++) {
      look(3);
      heap.busy = 0.5;
      look(1);
      heap.busy = 0;
    }
    expect(heap.collections).toBe(0);
    heap.garbage = 100;
    expect(look(20)).toBe(0);
  });

  it('counts from what was left when V8 has collected by itself', () => {
    const { heap, look } = heapOf(30, 0);
    heap.live = 20;
    look(1);
    heap.garbage = 6;
    expect(look(4)).toBe(1);
  });
});
