import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageOf } from '../../../src/core/data/page.js';

const entries = (...keys: string[]) => keys.map((key) => [key, key] as const);
const keysOf = (page: ReturnType<typeof pageOf>) => page.items.map(([key]) => key);

describe('a page', () => {
  it('holds what comes after a key, in order, and says where the next begins', () => {
    const list = entries('c', 'a', 'd', 'b');
    const first = pageOf(list, { limit: 2 });
    expect([keysOf(first), first.next]).toEqual([['a', 'b'], 'b']);
    const second = pageOf(list, { limit: 2, after: 'b' });
    expect([keysOf(second), second.next]).toEqual([['c', 'd'], null]);
  });

  it('goes on after a key that has gone meanwhile', () => {
    expect(keysOf(pageOf(entries('a', 'c'), { after: 'b', limit: 9 }))).toEqual(['c']);
  });

  it('is empty after the last', () => {
    expect(pageOf(entries('a', 'b'), { after: 'b', limit: 9 })).toEqual({ items: [], next: null });
    expect(pageOf([], { limit: 9 })).toEqual({ items: [], next: null });
  });

  it('ends with the item that reaches the bound in characters', () => {
    const range = { limit: 9, maxCharacters: 3, charactersOf: (item: string) => item.length };
    const page = pageOf(entries('aa', 'bb', 'cc'), range);
    expect([keysOf(page), page.next]).toEqual([['aa', 'bb'], 'bb']);
  });

  it('of any size leads through every key once', () => {
    const property = fc.property(
      fc.uniqueArray(fc.string()),
      fc.integer({ min: 1, max: 5 }),
      (keys, limit) => {
        const found: string[] = [];
        let after: string | null | undefined;
        while (after !== null) {
          const page = pageOf(entries(...keys), after === undefined ? { limit } : { limit, after });
          found.push(...keysOf(page));
          after = page.next;
        }
        expect(found).toEqual([...keys].sort());
      },
    );
    fc.assert(property);
  });
});
