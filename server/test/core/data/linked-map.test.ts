import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkedMap } from '../../../src/core/data/linked-map.js';

type Step = readonly ['set' | 'delete', number];

const step = fc.tuple(fc.constantFrom<'set' | 'delete'>('set', 'delete'), fc.integer({ min: 0, max: 6 }));

describe('a linked map', () => {
  it('holds what a Map holds whose entries are set anew', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps: readonly Step[]) => {
        const linked = new LinkedMap<number, number>();
        const model = new Map<number, number>();
        for (const [index, [what, key]] of steps.entries()) {
          const had = model.delete(key);
          if (what === 'set') {
            model.set(key, index);
            linked.set(key, index);
          } else expect(linked.delete(key)).toBe(had);
          expect(linked.get(key)).toBe(model.get(key));
          expect(linked.has(key)).toBe(model.has(key));
        }
        expect([...linked]).toEqual([...model]);
        expect([...linked.newestFirst()]).toEqual([...model.keys()].reverse());
        expect(linked.oldest).toEqual([...model][0]);
        expect(linked.size).toBe(model.size);
      }),
    );
  });

  it('lets entries be deleted while it is iterated', () => {
    const linked = new LinkedMap<string, number>();
    for (const key of ['a', 'b', 'c']) linked.set(key, 1);
    const seen: string[] = [];
    for (const [key] of linked) {
      linked.delete(key);
      seen.push(key);
    }
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(linked.oldest).toBeUndefined();
  });

  it('is empty when it was cleared', () => {
    const linked = new LinkedMap<string, number>();
    linked.set('a', 1);
    linked.clear();
    expect([...linked]).toEqual([]);
    expect([linked.size, linked.oldest]).toEqual([0, undefined]);
    linked.set('b', 2);
    expect([...linked]).toEqual([['b', 2]]);
  });
});
