import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiKey, ApiKeys, digestOf } from '../../../src/auth/api-keys/api-keys.js';

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
    expect(keys.find(header) !== null).toBe(isAdmitted);
  });

  it('is admitted with nothing else, and never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => keys.find(text) === null && keys.find(`Bearer ${text}`) === null,
      ),
    );
  });
});

describe('keys with names', () => {
  const named = (name: string, key: string): ApiKey => ({
    name,
    digest: digestOf(key),
    methods: null,
    patterns: null,
  });

  it('are known until they are replaced, beside the one that may do everything', () => {
    const known = new ApiKeys([KEY]);
    const find = (key: string) => known.find(`Bearer ${key}`)?.name;
    known.replaceScoped([named('old', 'the-old-key-of-some'), named('other', OTHER)]);
    expect([find(KEY), find('the-old-key-of-some'), find(OTHER)]).toEqual([null, 'old', 'other']);
    known.replaceScoped([named('new', 'the-new-key-of-some'), named('other', OTHER)]);
    expect([find(KEY), find('the-old-key-of-some'), find('the-new-key-of-some')]).toEqual([
      null,
      undefined,
      'new',
    ]);
    known.replaceScoped([]);
    expect([find(KEY), find(OTHER)]).toEqual([null, undefined]);
  });

  it('do not let in who has none, also not by the digest of nothing, or by a digest', () => {
    const known = new ApiKeys([KEY]);
    known.replaceScoped([named('nothing', ''), named('other', OTHER)]);
    const digest = digestOf(OTHER).toString('hex');
    for (const header of [undefined, '', 'Bearer', 'Bearer ', `Bearer ${digest}`])
      expect(known.find(header)).toBeNull();
  });
});
