import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKeys } from '../../../src/auth/api-keys/api-key-list.js';
import { digestOf } from '../../../src/auth/api-keys/api-keys.js';

const FULL = 'the-key-that-may-do-everything';
const SECRET = 'S3CR3T-S3CR3T-S3CR3T';
const rules = {
  methods: ['update', 'connect'],
  isFull: (digest: Buffer) => digest.equals(digestOf(FULL)),
};
const parse = (value: unknown) => parseKeys(typeof value === 'string' ? value : JSON.stringify(value), rules);

function complaintOf(value: unknown): string {
  try {
    parse(value);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('a list of keys', () => {
  it('gives each key its name and digest, and what it is good for', () => {
    const [django, backup] = parse([
      { name: 'django', key: SECRET, methods: ['update'], patterns: ['chat/{room}'] },
      { name: 'backup.2', sha256: digestOf('some-other-key-of-the-app').toString('hex').toUpperCase() },
    ]);
    expect(django).toMatchObject({ name: 'django', digest: digestOf(SECRET), methods: new Set(['update']) });
    expect(django?.patterns?.map(({ source }) => source)).toEqual(['chat/{room}']);
    expect(backup).toEqual({
      name: 'backup.2',
      digest: digestOf('some-other-key-of-the-app'),
      methods: null,
      patterns: null,
    });
    expect(parse([])).toEqual([]);
  });

  it.each([
    ['{', 'is not JSON'],
    [{}, 'a list of keys'],
    [[7], '0: '],
    [[{ key: SECRET }], '0.name: '],
    [[{ name: 'a b', key: SECRET }], '0.name: must be 1 to 64 letters, digits, "_", "-" and "."'],
    [[{ name: 'a:b', key: SECRET }], '0.name: '],
    [[{ name: '', key: SECRET }], '0.name: '],
    [[{ name: 'a', key: 'short-S3CR3T' }], '0.key: must have at least 16 characters'],
    [[{ name: 'a', key: `${SECRET} S3CR3T` }], '0.key: must have at least 16 characters'],
    [[{ name: 'a', key: `${SECRET}-é` }], '0.key: must have at least 16 characters'],
    [[{ name: 'a' }], '0.key: give either "key" or "sha256"'],
    [[{ name: 'a', key: SECRET, sha256: 'a'.repeat(64) }], '0.key: give either "key" or "sha256"'],
    [[{ name: 'a', sha256: SECRET }], '0.sha256: must be the SHA-256 of the key, 64 hexadecimal digits'],
    [[{ name: 'a', key: SECRET, methods: ['dance'] }], '0.methods.0: the API has no such method'],
    [[{ name: 'a', key: SECRET, methods: [] }], '0.methods: name at least one method'],
    [[{ name: 'a', key: SECRET, methods: 'update' }], '0.methods: '],
    [[{ name: 'a', key: SECRET, patterns: [] }], '0.patterns: name at least one pattern'],
    [
      [{ name: 'a', key: SECRET, patterns: ['x', 'chat/{room'] }],
      '0.patterns.1: "{" is not closed: chat/{room',
    ],
    [[{ name: 'a', key: SECRET, patterns: ['::x'] }], '0.patterns.0: "::x" is reserved'],
    [[{ name: 'a', key: SECRET, method: [] }], '0.method: this field is unknown'],
    [[{ name: 'a', [SECRET]: 'update' }], '0: this field is unknown'],
    [
      [
        { name: 'a', key: SECRET },
        { name: 'a', key: `${SECRET}2` },
      ],
      '1.name: another entry has this name',
    ],
    [
      [
        { name: 'a', key: SECRET },
        { name: 'b', sha256: digestOf(SECRET).toString('hex') },
      ],
      '1.key: another entry has this key',
    ],
    [[{ name: 'a', key: FULL, patterns: ['x'] }], '0.key: this key is also the unrestricted apiKey'],
  ])('is refused with its field: %j', (value, complaint) => {
    expect(complaintOf(value)).toContain(complaint);
  });

  it('never has a key quoted, wherever it stands in what is wrong', () => {
    const shape = fc.letrec((tie) => ({
      any: fc.oneof(
        fc.constantFrom<unknown>(SECRET, 7, null, 'update', 'x'),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('name', 'key', 'sha256', 'methods', 'extra', SECRET), tie('any')),
      ),
    })).any;
    const property = fc.property(fc.array(shape, { maxLength: 3 }), fc.nat(200), (value, cut) => {
      const text = JSON.stringify(value);
      expect(complaintOf(text)).not.toContain('S3CR3T');
      expect(complaintOf(text.slice(0, cut))).not.toContain('S3CR3T');
    });
    fc.assert(property);
  });
});
