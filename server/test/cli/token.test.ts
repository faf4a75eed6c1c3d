import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TokenKeys } from '../../src/auth/tokens/token-keys.js';
import { Tokens } from '../../src/auth/tokens/tokens.js';
import { systemClock } from '../../src/core/time/clock.js';
import { TestLog } from '../auth/tokens/token-world.js';
import { runCommand } from '../support/run-command.js';
import { tempFolder } from '../support/temp-folder.js';

const SECRET = 'a-secret-of-the-configuration-0123456789';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

/** Runs `dobby token` with these flags. */
async function run(...flags: string[]) {
  const printed = await runCommand('token', ...flags);
  return { ...printed, token: printed.out.trim() };
}

const reader = (
  secret: string,
  { audience = 'dobby', issuer }: { audience?: string; issuer?: string } = {},
) =>
  new Tokens({
    keys: new TokenKeys({ secrets: [secret], location: null, clock: systemClock, log: new TestLog() }),
    audience,
    ...(issuer === undefined ? {} : { issuer }),
    maxAgeMs: 3_600_000,
    clock: systemClock,
  });

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe('dobby token', () => {
  it('signs with the first secret of several', async () => {
    const folder = tempFolder();
    const [first, second] = [`${SECRET}-1`, `${SECRET}-2`];
    writeFileSync(join(folder, 'token-secret'), `${first}\n${second}\n`);
    const { token } = await run('--state-dir', folder);
    expect(await reader(first).identity(token)).toHaveProperty('value');
    vi.stubEnv('DOBBY_TOKEN_SECRET', `${second}\n${first}\n`);
    const other = await run('--state-dir', folder);
    expect(await reader(second).identity(other.token)).toHaveProperty('value');
  });

  it('prints a token of a session that the server of this state folder takes', async () => {
    const folder = join(tempFolder(), 'state');
    const flags = ['--user', 'ann', '--login', 'tag', '--info', '{"name":"Ann"}', '--lifetime', '15m'];
    const before = Date.now();
    const { token, code } = await run(
      ...flags,
      '--grant',
      'chat/{room}',
      '--grant',
      'contacts',
      '--state-dir',
      folder,
    );
    expect(code).toBe(0);
    const secret = readFileSync(join(folder, 'token-secret'), 'utf8').trim();
    const outcome = await reader(secret).identity(token);
    expect(outcome).toMatchObject({
      value: { user: 'ann', login: 'tag', info: { name: 'Ann' }, grants: ['chat/{room}', 'contacts'] },
    });
    const { at, expiresAt } = (outcome as { value: { at: number; expiresAt: number } }).value;
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
    expect(Math.abs(expiresAt - at - 900_000)).toBeLessThanOrEqual(1);
  });

  it('prints a token of paths', async () => {
    vi.stubEnv('DOBBY_TOKEN_SECRET', SECRET);
    const { token } = await run('--path', 'book:{n}', '--path', 'a', '--user', 'ann');
    expect(await reader(SECRET).pathToken(token)).toMatchObject({
      value: { user: 'ann', paths: ['book:{n}', 'a'] },
    });
  });

  it('finds secret, audience and issuer where the server finds them, and flags come first', async () => {
    const file = join(tempFolder(), 'dobby.json');
    writeFileSync(file, JSON.stringify({ tokenSecret: SECRET, tokenAudience: 'there', tokenIssuer: 'app' }));
    const { token } = await run('--config', file);
    expect(await reader(SECRET, { audience: 'there', issuer: 'app' }).identity(token)).toHaveProperty(
      'value',
    );
    const other = await run('--config', file, '--audience', 'here', '--issuer', 'me');
    expect(claimsOf(other.token)).toMatchObject({ aud: 'here', iss: 'me' });
  });

  it('lives an hour unless it is told otherwise, and says where the server takes it for less', async () => {
    vi.stubEnv('DOBBY_TOKEN_SECRET', SECRET);
    const { token, err } = await run();
    const { iat, exp } = claimsOf(token) as { iat: number; exp: number };
    expect(exp - iat).toBeCloseTo(3_600, 2);
    expect(err).toBe('');
    const long = await run('--lifetime', '2h');
    expect(long.err).toContain('for 3600 s only');
    expect([long.code, long.token === '']).toEqual([0, false]);
  });

  it.each<[string, string[], RegExp]>([
    ['paths with grants', ['--path', 'a', '--grant', 'b'], /not of both/],
    ['paths with info', ['--path', 'a', '--info', '1'], /not of both/],
    ['a grant that is no pattern', ['--grant', '{'], /--grant: "\{" is not closed/],
    ['a path that is no pattern', ['--path', '{a}{b}'], /--path: two captures/],
    ['a reserved path', ['--grant', '::all'], /--grant: "::all" is reserved/],
    ['info that is no JSON', ['--info', '{'], /--info is JSON/],
    ['info that is too large', ['--info', `"${'x'.repeat(4_095)}"`], /info: larger than/],
    ['an empty user', ['--user', ''], /sub: /],
    ['a long user', ['--user', 'x'.repeat(256)], /sub: /],
    ...['', '1', 'h', '0s', '-1h', '1.5h', '1y', '1h30m', '366d', '9999999999s'].map(
      (time): [string, string[], RegExp] => [
        `a lifetime of "${time}"`,
        [`--lifetime=${time}`],
        /--lifetime is a time/,
      ],
    ),
  ])('refuses %s in one line, and ends with 1', async (_what, flags, message) => {
    const folder = join(tempFolder(), 'state');
    const { out, err, code } = await run(...flags, '--state-dir', folder);
    expect({ out, code }).toEqual({ out: '', code: 1 });
    expect(err).toMatch(/^dobby: [^\n]+\n$/);
    expect(err).toMatch(message);
    expect(existsSync(folder)).toBe(false);
  });

  it('refuses what no token holds', async () => {
    vi.stubEnv('DOBBY_TOKEN_SECRET', SECRET);
    const grants = Array.from({ length: 14 }, () => ['--grant', `${'a'.repeat(1_000)}{x}`]).flat();
    const { out, err, code } = await run(...grants);
    expect({ out, code }).toEqual({ out: '', code: 1 });
    expect(err).toContain('characters');
  });

  it('says that tokens are signed elsewhere where the server has public keys only', async () => {
    vi.stubEnv('DOBBY_TOKEN_KEYS', 'https://app.example/keys.json');
    const folder = join(tempFolder(), 'state');
    const { err, code } = await run('--state-dir', folder);
    expect(code).toBe(1);
    expect(err).toContain('signed elsewhere');
    expect(existsSync(folder)).toBe(false);
    vi.stubEnv('DOBBY_TOKEN_SECRET', SECRET);
    process.exitCode = undefined;
    expect((await run()).code).toBe(0);
  });
});
