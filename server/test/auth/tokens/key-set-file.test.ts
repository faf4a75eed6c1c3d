import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TokenKeysError } from '../../../src/auth/tokens/key-set.js';
import { TokenKeys } from '../../../src/auth/tokens/token-keys.js';
import { FakeClock } from '../../support/fake-clock.js';
import { tempFolder } from '../../support/temp-folder.js';
import { codeOf, KEYS, makeKey, SECRET, SET, TestLog } from './token-world.js';

const { RS256, ES256, EdDSA } = KEYS;
const OCT = { kty: 'oct', kid: 'shared', k: Buffer.from(SECRET).toString('base64url') };
const WEAK = makeKey('RS256', 'weak', 1_024);
const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function open(content: unknown, secret: string | null = null) {
  const file = join(tempFolder(), 'keys.json');
  writeFileSync(file, textOf(content));
  const clock = new FakeClock();
  const log = new TestLog();
  const keys = new TokenKeys({ secrets: secret === null ? [] : [secret], location: file, clock, log });
  keys.start();
  return { file, clock, log, keys };
}

const header = ({ alg, jwk }: typeof ES256) => ({ alg, kid: jwk.kid });

describe('the keys that tokens are checked with', () => {
  it('are a secret, or published ones, or both', () => {
    const parts = { clock: new FakeClock(), log: new TestLog() };
    expect(new TokenKeys({ ...parts, secrets: [SECRET], location: null }).algorithms).toEqual(['HS256']);
    expect(open(SET).keys.algorithms).toEqual(['RS256', 'ES256', 'EdDSA']);
    expect(open(SET, SECRET).keys.algorithms).toEqual(['HS256', 'RS256', 'ES256', 'EdDSA']);
    expect(() => new TokenKeys({ ...parts, secrets: [], location: null })).toThrow(TokenKeysError);
  });

  it('are the secret for HS256, whatever key the token names, and public keys for all others', async () => {
    const { keys } = open(SET, SECRET);
    const found = await keys.find({ alg: 'HS256', kid: 'ES256' });
    expect(found).toEqual({ value: new TextEncoder().encode(SECRET) });
    for (const key of Object.values(KEYS)) {
      expect(await keys.find(header(key))).toMatchObject({ value: { type: 'public' } });
    }
  });
});

describe('a file of keys', () => {
  const d = { ...RS256.privateKey.export({ format: 'jwk' }) };

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /is not JSON(, at position \d+)?$/],
    ['a PEM', '-----BEGIN PUBLIC KEY-----\nMIIB', /is not JSON(, at position \d+)?$/],
    ['nothing', '', /is not JSON(, at position \d+)?$/],
    ['null', null, /is not a key set/],
    ['a list', SET.keys, /is not a key set/],
    ['one key', ES256.jwk, /is not a key set/],
    ['keys that are no list', { keys: {} }, /is not a key set/],
    ['keys that are no objects', { keys: [ES256.jwk, null] }, /is not a key set/],
    ['no keys', { keys: [] }, /holds no usable key$/],
    ['a private key of RSA', { keys: [ES256.jwk, d] }, /holds a private key/],
    ['a private key of EC', { keys: [ES256.privateKey.export({ format: 'jwk' })] }, /holds a private key/],
    [
      'a private key of Ed25519',
      { keys: [EdDSA.privateKey.export({ format: 'jwk' })] },
      /holds a private key/,
    ],
    ['a secret only', { keys: [OCT] }, /key 1 is a secret/],
    ['a short key', { keys: [WEAK.jwk] }, /key 1 has 1024 bits/],
    ['a damaged key', { keys: [{ ...ES256.jwk, x: 'AAAA' }] }, /key 1 is damaged/],
    ['an exponent of 1', { keys: [{ ...RS256.jwk, e: 'AQ' }] }, /key 1 (has an exponent|is damaged)/],
    ['another curve', { keys: [{ ...ES256.jwk, crv: 'P-384' }] }, /key 1 is not for RS256/],
    ['another algorithm', { keys: [{ ...RS256.jwk, alg: 'PS256' }] }, /key 1 is not for RS256/],
    ['an algorithm of another kind', { keys: [{ ...RS256.jwk, alg: 'HS256' }] }, /key 1 is not for RS256/],
    ['encryption', { keys: [{ ...RS256.jwk, use: 'enc' }] }, /key 1 is not for signatures/],
    ['signing', { keys: [{ ...RS256.jwk, key_ops: ['sign'] }] }, /key 1 is not for verifying/],
    ['more than 256 KB', { keys: [ES256.jwk], more: 'x'.repeat(262_144) }, /is larger than/],
  ])('is refused at the start with %s, and the message names it', (_what, content, message) => {
    expect(() => open(content)).toThrow(TokenKeysError);
    expect(() => open(content)).toThrow(message);
    expect(() => open(content)).toThrow(/keys\.json"/);
  });

  it('is refused at the start where it is missing, or a folder', () => {
    const parts = { secrets: [], clock: new FakeClock(), log: new TestLog() };
    const folder = tempFolder();
    expect(() => new TokenKeys({ ...parts, location: join(folder, 'no.json') })).toThrow(
      /no\.json" does not exist/,
    );
    expect(() => new TokenKeys({ ...parts, location: folder })).toThrow(/is not a regular file/);
  });

  it('is used without what cannot be used in it, and the log says what that is', async () => {
    const { keys, log } = open({ keys: [OCT, WEAK.jwk, ES256.jwk, { kty: 'RSA' }, { kty: 'else' }] });
    expect(log.levels).toEqual(['warn']);
    expect(log.text).toContain('key 1 is a secret');
    expect(log.text).toContain('key 2 has 1024 bits');
    expect(log.text).not.toContain(OCT.k);
    expect(codeOf(await keys.find(header(ES256)))).toBe('good');
    expect(codeOf(await keys.find({ alg: 'HS256', kid: 'shared' }))).toBe('bad_token');
    expect(codeOf(await keys.find({ alg: 'RS256', kid: 'weak' }))).toBe('bad_token');
  });

  it('gives the key that a token names, and without a name only the one that fits', async () => {
    const other = makeKey('ES256', 'other');
    const { keys } = open({ keys: [ES256.jwk, other.jwk, EdDSA.jwk] });
    expect(codeOf(await keys.find({ alg: 'ES256', kid: 'other' }))).toBe('good');
    expect(codeOf(await keys.find({ alg: 'EdDSA' }))).toBe('good');
    expect(await keys.find({ alg: 'ES256' })).toMatchObject({
      error: { code: 'bad_token', message: expect.stringContaining('(kid)') },
    });
    expect(codeOf(await keys.find({ alg: 'RS256' }))).toBe('bad_token');
  });
});

describe('a file of keys that changes', () => {
  const NEW = makeKey('ES256', 'new');

  it('is read again within a second', async () => {
    const { file, clock, keys } = open(SET);
    writeFileSync(file, textOf({ keys: [NEW.jwk] }));
    clock.advance(999);
    expect(codeOf(await keys.find(header(NEW)))).toBe('bad_token');
    clock.advance(1);
    const both = await Promise.all([keys.find(header(NEW)), keys.find(header(ES256))]);
    expect(both.map(codeOf)).toEqual(['good', 'bad_token']);
  });

  it('is noticed when it was replaced by one of the same size and time', async () => {
    const { file, clock, keys } = open({ keys: [ES256.jwk] });
    const next = textOf({ keys: [makeKey('ES256').jwk] });
    writeFileSync(`${file}.new`, next);
    utimesSync(file, 1_000, 1_000);
    utimesSync(`${file}.new`, 1_000, 1_000);
    clock.advance(1_000);
    const before = await keys.find(header(ES256));
    renameSync(`${file}.new`, file);
    clock.advance(1_000);
    const after = await keys.find(header(ES256));
    expect([codeOf(before), codeOf(after)]).toEqual(['good', 'good']);
    expect('value' in before && 'value' in after && before.value === after.value).toBe(false);
  });

  it('is not read again as long as it is the same', async () => {
    const { clock, keys } = open(SET);
    const first = await keys.find(header(ES256));
    clock.advance(5_000);
    const second = await keys.find(header(ES256));
    expect('value' in first && 'value' in second && first.value === second.value).toBe(true);
  });

  it.each<[string, (file: string) => void]>([
    ['cut short', (file) => writeFileSync(file, textOf(SET).slice(0, 100))],
    ['empty', (file) => writeFileSync(file, '')],
    ['gone', (file) => rmSync(file)],
    ['too large', (file) => writeFileSync(file, textOf({ ...SET, more: 'x'.repeat(262_144) }))],
    ['private', (file) => writeFileSync(file, textOf({ keys: [NEW.privateKey.export({ format: 'jwk' })] }))],
    [
      'a folder',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  ])(
    'leaves the keys that are known when it is %s; the log says so once, and when it is well',
    async (_what, breakIt) => {
      const { file, clock, log, keys } = open(SET);
      breakIt(file);
      for (let i = 0; i < 3; i++) {
        clock.advance(1_000);
        expect(codeOf(await keys.find(header(ES256)))).toBe('good');
      }
      expect(log.levels).toEqual(['error']);
      rmSync(file, { recursive: true, force: true });
      writeFileSync(file, textOf({ keys: [NEW.jwk] }));
      clock.advance(1_000);
      expect(codeOf(await keys.find(header(NEW)))).toBe('good');
      expect(log.levels).toEqual(['error', 'info']);
    },
  );

  it('may lose its last key: then no token is good', async () => {
    const { file, clock, keys } = open(SET);
    writeFileSync(file, textOf({ keys: [] }));
    clock.advance(1_000);
    expect(codeOf(await keys.find(header(ES256)))).toBe('bad_token');
  });

  it('is looked at by one timer, and by none once it is stopped, twice', async () => {
    const { keys, clock } = open(SET);
    keys.start();
    expect(clock.timers).toBe(1);
    await keys.stop();
    await keys.stop();
    keys.start();
    expect(clock.timers).toBe(0);
    expect(codeOf(await keys.find(header(ES256)))).toBe('good');
  });
});
