import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, PatternError, PatternTable } from '../patterns.js';
import { fixture } from './fixtures.js';

const { match, bad } = fixture('patterns');

describe('compilePattern', () => {
  it.each(match)('$pattern against $path captures $captured', ({ pattern, path, captured }) => {
    expect(compilePattern(pattern).match(path)).toEqual(captured);
  });

  it.each(bad.map((source) => [source.slice(0, 40), source]))('refuses %j', (_shown, source) => {
    expect(() => compilePattern(source as string)).toThrow(PatternError);
  });

  it('keeps its source', () => {
    expect(compilePattern('chat/{room}').source).toBe('chat/{room}');
  });
});

/** A pattern as a list: texts are literal, one-element lists are captures. */
type Sketch = (string | [string])[];

const literal = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '/', ':', 'é'),
  minLength: 1,
  maxLength: 3,
});
const value = fc.string({ unit: fc.constantFrom('a', 'b', '-', ':', 'é'), minLength: 1, maxLength: 4 });
const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', '/', ':', 'é'), maxLength: 12 });
const sketch: fc.Arbitrary<Sketch> = fc
  .tuple(fc.array(literal, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([literals, capturesFirst, capturesLast]) => {
    const parts: Sketch = capturesFirst ? [['x0']] : [];
    literals.forEach((part, i) => {
      parts.push(part);
      if (i < literals.length - 1 || capturesLast) parts.push([`x${i + 1}`]);
    });
    return parts;
  })
  .filter((parts) => !write(parts).startsWith('::'));

const write = (parts: Sketch) =>
  parts.map((part) => (typeof part === 'string' ? part : `{${part[0]}}`)).join('');

const fill = (parts: Sketch, captured: Record<string, string>) =>
  parts.map((part) => (typeof part === 'string' ? part : captured[part[0]])).join('');

describe('any pattern', () => {
  it('captures only texts that make up the path again, none empty, none with a slash', () => {
    fc.assert(
      fc.property(sketch, text, (parts, path) => {
        const captured = compilePattern(write(parts)).match(path);
        if (captured === null) return;
        expect(fill(parts, captured)).toBe(path);
        for (const part of Object.values(captured)) expect(part).toMatch(/^[^/]+$/);
      }),
      { numRuns: 3_000 },
    );
  });

  it('agrees with a lazy regular expression that may not go back', () => {
    fc.assert(
      fc.property(sketch, fc.array(value, { minLength: 5, maxLength: 5 }), text, (parts, values, other) => {
        const captures = Object.fromEntries(values.map((each, i) => [`x${i}`, each]));
        for (const path of [fill(parts, captures), other]) {
          expect(compilePattern(write(parts)).match(path)).toEqual(model(parts, path));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('matches no path of the server', () => {
    fc.assert(
      fc.property(sketch, text, (parts, path) => {
        expect(compilePattern(write(parts)).match(`::${path}`)).toBeNull();
        expect(compilePattern('{all*}').match(`::${path}`)).toBeNull();
      }),
    );
  });

  it('compiles any text or says what is wrong with it', () => {
    const source = fc.string({ unit: fc.constantFrom('{', '}', '*', 'a', '1', '/', ':'), maxLength: 12 });
    fc.assert(
      fc.property(source, (pattern) => {
        try {
          compilePattern(pattern);
        } catch (error) {
          expect(error).toBeInstanceOf(PatternError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

/** Takes the path apart part by part, each step with a regular expression; literals hold nothing special. */
function model(parts: Sketch, path: string): Record<string, string> | null {
  if (path.startsWith('::')) return null;
  const captured: Record<string, string> = {};
  let rest = path;
  for (const [i, part] of parts.entries()) {
    if (typeof part === 'string') {
      if (!rest.startsWith(part)) return null;
      rest = rest.slice(part.length);
      continue;
    }
    const next = parts[i + 1] as string | undefined;
    const isLast = i + 2 >= parts.length;
    const until = next === undefined ? '$' : isLast ? `(?=${next}$)` : `(?=${next})`;
    const found = new RegExp(`^(.+${isLast ? '' : '?'})${until}`, 'u').exec(rest)?.[1];
    if (found === undefined || found.includes('/')) return null;
    captured[part[0]] = found;
    rest = rest.slice(found.length);
  }
  return rest === '' ? captured : null;
}

describe('hostile input', () => {
  it('takes time in proportion to its length', () => {
    // Patterns that blow up an engine that goes back: many captures, one repeated letter, no match.
    const pattern = compilePattern(`${Array.from({ length: 100 }, (_, i) => `{x${i}}a`).join('')}!`);
    const path = 'a'.repeat(200_000);
    const start = performance.now();
    for (let i = 0; i < 20; i++) expect(pattern.match(path)).toBeNull();
    const each = (performance.now() - start) / 20;
    expect(each, `${each.toFixed(1)} ms for 200 KB`).toBeLessThan(100);
  });
});

describe('PatternTable', () => {
  const table = new PatternTable([
    ['chat/lobby', 'lobby'],
    ['chat/{room}', 'room'],
    ['{all*}', 'rest'],
  ]);

  it('takes the first that matches', () => {
    expect(table.find('chat/lobby')).toEqual({ value: 'lobby', captured: {} });
    expect(table.find('chat/7')).toEqual({ value: 'room', captured: { room: '7' } });
    expect(table.find('chat/7/8')).toEqual({ value: 'rest', captured: { all: 'chat/7/8' } });
  });

  it('finds nothing where no pattern matches', () => {
    expect(new PatternTable([['a', 1]]).find('b')).toBeNull();
    expect(table.find('::connect')).toBeNull();
  });

  it('refuses a pattern that is wrong', () => {
    expect(() => new PatternTable([['{', 1]])).toThrow(PatternError);
  });
});
