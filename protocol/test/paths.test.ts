import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.js';
import { keyFault, pathFault, utf8Length } from '../paths.js';
import { fixture } from './fixtures.js';

const shown = (name: string) => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);

describe('pathFault', () => {
  it.each(fixture('paths').map((row) => [shown(row.path), row.path.length, row] as const))(
    'judges %s of %i units as the golden file does',
    (_shown, _length, { path, fault }) => {
      expect(pathFault(path)).toBe(fault);
    },
  );

  it('agrees with the rule written out plainly', () => {
    const unit = fc.oneof(
      fc.constantFrom(
        ':',
        '::',
        '/',
        'a',
        'é',
        '日',
        '👋',
        '*',
        '{',
        '}',
        '\ud83d',
        '\udc4b',
        '\u0000',
        '\u0085',
      ),
      fc.string({ unit: 'binary' }),
    );
    const path = fc.array(unit, { maxLength: 70 }).map((units) => units.join(''));
    fc.assert(
      fc.property(path, (text) => {
        expect(pathFault(text)).toBe(plainFault(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('keyFault', () => {
  it.each(fixture('keys').map((row) => [shown(row.key), row.key.length, row] as const))(
    'judges %s of %i units as the golden file does',
    (_shown, _length, { key, fault }) => {
      expect(keyFault(key)).toBe(fault);
    },
  );
});

describe('utf8Length', () => {
  it('counts what an encoder writes, for every well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});

function plainFault(text: string): string | null {
  if (text.length === 0 || text.length > LIMITS.pathBytes) return 'bad_path';
  if (text.startsWith('::')) return 'reserved_path';
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    if (point <= 0x1f || (point >= 0x7f && point <= 0x9f) || (point >= 0xd800 && point <= 0xdfff)) {
      return 'bad_path';
    }
    if ('*{}'.includes(character)) return 'bad_path';
  }
  return Buffer.byteLength(text) > 255 ? 'bad_path' : null;
}
