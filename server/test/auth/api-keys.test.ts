import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiKeys } from '../../src/auth/api-keys.js';

const KEY = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const keys = new ApiKeys([KEY, OTHER]);

describe('an Authorization header', () => {
  it.each([
    [`Bearer ${KEY}`, true],
    [`Bearer ${OTHER}`, true],
    [`bearer ${KEY}`, true],
    [`Bearer   ${KEY}`, true],
    [undefined, false],
    ['', false],
    ['Bearer', false],
    ['Bearer ', false],
    [KEY, false],
    [`Basic ${KEY}`, false],
    [`Bearer ${KEY} `, false],
    [`Bearer ${KEY}x`, false],
    [`Bearer ${KEY.slice(0, -1)}`, false],
    [`Bearer ${KEY.toUpperCase()}`, false],
    [`Bearer ${KEY} ${OTHER}`, false],
  ])('%j is admitted: %s', (header, isAdmitted) => {
    expect(keys.admits(header)).toBe(isAdmitted);
  });

  it('is admitted with nothing else, and never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => !keys.admits(text) && !keys.admits(`Bearer ${text}`),
      ),
    );
  });
});
