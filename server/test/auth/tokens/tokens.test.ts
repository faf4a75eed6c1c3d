import { describe, expect, it } from 'vitest';
import type { TokensOptions } from '../../../src/auth/tokens/tokens.js';
import {
  codeOf,
  GOOD,
  HS256,
  hmac,
  KEYS,
  messageOf,
  NOW,
  SECRET,
  setUp,
  tokenBy,
  tokenOf,
} from './token-world.js';

const session = (claims: object, options: Partial<TokensOptions> = {}) =>
  setUp(options).tokens.identity(tokenOf(HS256, { ...GOOD, ...claims }));
const paths = (claims: object) =>
  setUp().tokens.pathToken(tokenOf(HS256, { ...GOOD, paths: ['a'], ...claims }));

describe('a token of a session', () => {
  it('says who is asking, what is said of them, and what they may hear', async () => {
    const claims = { sub: 'ann', login: 'tag', info: { name: 'Ann' }, grants: ['contacts', 'chat/{room}'] };
    expect(await session({ ...claims, scope: 'whatever', jti: 7 })).toEqual({
      value: {
        source: 'token',
        user: 'ann',
        login: 'tag',
        info: { name: 'Ann' },
        grants: ['contacts', 'chat/{room}'],
        at: NOW * 1000,
        expiresAt: (NOW + 60) * 1000,
      },
    });
  });

  it('may say nothing but its times and for whom it is', async () => {
    expect(await session({})).toMatchObject({ value: { user: null, login: null, info: null, grants: [] } });
  });

  it('is good by every algorithm, and with the key that it names', async () => {
    const { tokens } = setUp();
    for (const key of Object.values(KEYS)) {
      expect(await tokens.identity(tokenBy(key, { ...GOOD, sub: key.alg })), key.alg).toMatchObject({
        value: { user: key.alg },
      });
      expect(codeOf(await tokens.identity(tokenBy(key, GOOD, { kid: undefined }))), key.alg).toBe('good');
    }
    expect(codeOf(await tokens.identity(tokenOf(HS256, GOOD)))).toBe('good');
  });

  it('is good by any secret of several, and by no other', async () => {
    const older = ['an-older-secret-0123456789-0123456789', 'the-oldest-secret-0123456789-012345678'];
    const { tokens } = setUp({}, { secret: [SECRET, ...older], set: null });
    for (const secret of [SECRET, ...older]) {
      expect(codeOf(await tokens.identity(tokenOf(HS256, GOOD, hmac(secret)))), secret).toBe('good');
    }
    const foreign = await tokens.identity(tokenOf(HS256, GOOD, hmac([SECRET, ...older].join('\n'))));
    expect(messageOf(foreign)).toBe('Invalid token: its signature matches no secret or key of this server.');
  });

  it('expires an hour after it was made, however long it says that it lives', async () => {
    expect(await session({ exp: NOW + 1e6 })).toMatchObject({ value: { expiresAt: (NOW + 3_600) * 1000 } });
    expect(await session({ exp: 1e308 })).toMatchObject({ value: { expiresAt: (NOW + 3_600) * 1000 } });
    expect(await session({}, { maxAgeMs: 5_500 })).toMatchObject({
      value: { expiresAt: NOW * 1000 + 5_500 },
    });
  });

  it('keeps the milliseconds of its times', async () => {
    for (const ms of [1, 7, 123, 456, 789, 999]) {
      expect(await session({ iat: (NOW * 1000 - ms) / 1000, exp: (NOW * 1000 + ms) / 1000 })).toMatchObject({
        value: { at: NOW * 1000 - ms, expiresAt: NOW * 1000 + ms },
      });
    }
  });

  it('may be for several servers', async () => {
    expect(codeOf(await session({ aud: ['other', 'dobby'] }))).toBe('good');
  });

  it('is of whom the configuration names, where it names somebody', async () => {
    expect(codeOf(await session({ iss: 'app' }, { issuer: 'app' }))).toBe('good');
    expect(codeOf(await session({ iss: 'app' }))).toBe('good');
    for (const iss of ['App', 'app ', '', null, ['app'], undefined]) {
      const outcome = await session({ iss }, { issuer: 'app' });
      expect(codeOf(outcome), JSON.stringify(iss)).toBe('bad_token');
      expect(messageOf(outcome)).toContain('(iss)');
    }
  });
});

describe('a token of paths', () => {
  it('says what it opens, and for whom', async () => {
    expect(await paths({ sub: 'ann', login: 'tag', paths: ['book:{n}', 'a'] })).toEqual({
      value: {
        user: 'ann',
        login: 'tag',
        paths: ['book:{n}', 'a'],
        at: NOW * 1000,
        expiresAt: (NOW + 60) * 1000,
      },
    });
    expect(await paths({})).toMatchObject({ value: { user: null, login: null } });
  });

  it.each<[string, object]>([
    ['no paths', { paths: undefined }],
    ['an empty list', { paths: [] }],
    ['a text', { paths: 'a' }],
    ['null', { paths: null }],
    ['grants', { grants: [] }],
    ['info', { info: null }],
    ['a pattern that is none', { paths: ['a', '{'] }],
    ['a reserved path', { paths: ['::all'] }],
    ['more than 1,000 paths', { paths: Array(1_001).fill('a') }],
    ['a wrong user', { sub: '' }],
  ])('is refused with %s', async (_what, claims) => {
    expect(codeOf(await paths(claims))).toBe('bad_token');
  });

  it('is none of a session, and the reverse', async () => {
    const { tokens } = setUp();
    const ofPaths = await tokens.identity(tokenOf(HS256, { ...GOOD, paths: ['a'] }));
    expect(ofPaths).toMatchObject({
      error: { code: 'bad_token', message: expect.stringContaining('"paths"') },
    });
    const ofSession = await tokens.pathToken(tokenOf(HS256, { ...GOOD, grants: ['a'] }));
    expect(ofSession).toMatchObject({
      error: { code: 'bad_token', message: expect.stringContaining('paths') },
    });
  });

  it('may open 1,000 paths', async () => {
    expect(codeOf(await paths({ paths: Array(1_000).fill('a') }))).toBe('good');
  });
});

describe('a claim', () => {
  it.each<[string, object]>([
    ['an empty user', { sub: '' }],
    ['a user of 256 characters', { sub: 'x'.repeat(256) }],
    ['a user that is a number', { sub: 7 }],
    ['a user that is null', { sub: null }],
    ['a login that is empty', { login: '' }],
    ['a login of 256 characters', { login: 'x'.repeat(256) }],
    ['grants that are a text', { grants: 'a' }],
    ['grants that are no texts', { grants: [7] }],
    ['a grant that is no pattern', { grants: ['a{'] }],
    ['an empty grant', { grants: [''] }],
    ['a reserved grant', { grants: ['::inbox/{id}'] }],
    ['1,001 grants', { grants: Array(1_001).fill('a') }],
    ['info of 4,097 characters', { info: 'x'.repeat(4_095) }],
    ['info that is nested too deep', { info: JSON.parse('['.repeat(513) + ']'.repeat(513)) }],
  ])('is refused: %s', async (_what, claims) => {
    expect(codeOf(await session(claims))).toBe('bad_token');
  });

  it.each<[string, object]>([
    ['a user of 255 characters', { sub: 'x'.repeat(255) }],
    ['1,000 grants', { grants: Array(1_000).fill('a') }],
    ['info of 4,096 characters', { info: 'x'.repeat(4_094) }],
    ['info that is nested 512 deep', { info: JSON.parse('['.repeat(512) + ']'.repeat(512)) }],
    ['info that is false', { info: false }],
    ['one that means nothing and is nested 5,000 deep', { else: '@' }],
  ])('is taken: %s', async (_what, claims) => {
    const text = JSON.stringify({ ...GOOD, ...claims }).replace('"@"', '['.repeat(5_000) + ']'.repeat(5_000));
    expect(codeOf(await setUp().tokens.identity(tokenOf(HS256, text)))).toBe('good');
  });
});

describe('the times of a token', () => {
  const at = (seconds: number) => (NOW * 1000 + seconds * 1000) / 1000;

  it.each<[string, object, string]>([
    ['expired 4.9 s ago', { iat: at(-60), exp: at(-4.9) }, 'good'],
    ['expired 5 s ago', { iat: at(-60), exp: at(-5) }, 'expired_token'],
    ['expired 5.1 s ago', { iat: at(-60), exp: at(-5.1) }, 'expired_token'],
    ['too old for 4.9 s', { iat: at(-3_604.9) }, 'good'],
    ['too old for 5.1 s', { iat: at(-3_605.1) }, 'expired_token'],
    ['made in 4.9 s', { iat: at(4.9) }, 'good'],
    ['made in 5.1 s', { iat: at(5.1) }, 'bad_token'],
    ['made in a day', { iat: at(86_400), exp: at(90_000) }, 'bad_token'],
    ['good in 4.9 s', { nbf: at(4.9) }, 'good'],
    ['good in 5.1 s', { nbf: at(5.1) }, 'bad_token'],
    ['no exp', { exp: undefined }, 'bad_token'],
    ['no iat', { iat: undefined }, 'bad_token'],
    ['exp is a text', { exp: String(NOW + 60) }, 'bad_token'],
    ['exp is null', { exp: null }, 'bad_token'],
    ['iat is a text', { iat: String(NOW) }, 'bad_token'],
    ['nbf is a text', { nbf: '0' }, 'bad_token'],
    ['nbf is null', { nbf: null }, 'bad_token'],
    ['exp is negative', { exp: -1 }, 'expired_token'],
    ['exp is 0', { exp: 0 }, 'expired_token'],
    ['iat is negative', { iat: -1e300 }, 'expired_token'],
    ['iat is huge', { iat: 1e300 }, 'bad_token'],
    ['iat in milliseconds', { iat: NOW * 1000, exp: NOW * 1000 + 60 }, 'bad_token'],
    ['nbf is huge', { nbf: 1e300 }, 'bad_token'],
    ['nbf is negative', { nbf: -1e300 }, 'good'],
    ['exp is infinite', { exp: '@1e999' }, 'bad_token'],
    ['iat is infinite', { iat: '@-1e999' }, 'bad_token'],
    ['iat is infinite the other way', { iat: '@1e999' }, 'bad_token'],
    ['nbf is infinite', { nbf: '@-1e999' }, 'bad_token'],
    ['exp is NaN', { exp: '@NaN' }, 'bad_token'],
  ])('%s', async (_what, claims, code) => {
    for (const phase of [0, 999]) {
      // The present lies anywhere within its second.
      const { clock, tokens } = setUp();
      const moved = Object.fromEntries(
        Object.entries({ ...GOOD, ...claims }).map(([name, value]) => [
          name,
          typeof value === 'number' && Math.abs(value) < 1e12 ? value + phase / 1000 : value,
        ]),
      );
      const text = JSON.stringify(moved).replace(/"@([^"]+)"/g, '$1');
      clock.spend(phase);
      expect(codeOf(await tokens.identity(tokenOf(HS256, text))), `phase ${phase}`).toBe(code);
    }
  });

  it('count by the clock that was given, not by the machine', async () => {
    const { clock, tokens } = setUp();
    const token = tokenOf(HS256, GOOD);
    clock.spend(64_999);
    expect(codeOf(await tokens.identity(token))).toBe('good');
    clock.spend(1);
    expect(codeOf(await tokens.identity(token))).toBe('expired_token');
  });
});

it('reads the longest token, and none that is longer', async () => {
  const { tokens } = setUp();
  const sized = (more: number) => tokenOf(HS256, { ...GOOD, more: 'x'.repeat(more) });
  let more = 12_000;
  while (sized(more + 1).length <= 16_384) more++;
  expect(sized(more).length).toBeGreaterThan(16_380);
  expect(codeOf(await tokens.identity(sized(more)))).toBe('good');
  expect(codeOf(await tokens.identity(sized(more + 4)))).toBe('bad_token');
});

it('checks 4,352 tokens that come at once, and turns the next ones away', async () => {
  const { tokens } = setUp();
  const token = tokenOf(HS256, GOOD);
  const outcomes = await Promise.all(Array.from({ length: 4_360 }, () => tokens.identity(token)));
  const codes = outcomes.map(codeOf);
  expect(codes.filter((code) => code === 'good')).toHaveLength(4_352);
  expect(codes.slice(-8)).toEqual(Array(8).fill('too_many_tokens'));
  expect(codeOf(await tokens.identity(token))).toBe('good');
});
