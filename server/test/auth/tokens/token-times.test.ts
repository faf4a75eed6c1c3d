/** What a token's wrong times are answered: what is wrong, the token's time and the server's. */
import { describe, expect, it } from 'vitest';
import { GOOD, HS256, messageOf, NOW, setUp, tokenOf } from './token-world.js';

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
const HERE = `this server's clock says ${iso(NOW)}.`;

/** Both kinds of token, made well but for these claims, which may hold `@` and any text of JSON. */
async function messagesOf(claims: object): Promise<string[]> {
  const { tokens } = setUp();
  const text = (more: object) => JSON.stringify({ ...GOOD, ...claims, ...more }).replace(/"@([^"]+)"/g, '$1');
  const session = await tokens.identity(tokenOf(HS256, text({})));
  const paths = await tokens.pathToken(tokenOf(HS256, text({ paths: ['a'] })));
  return [messageOf(session), messageOf(paths)];
}

describe('a time', () => {
  it.each<[string, object, string]>([
    ['exp that is missing', { exp: undefined }, 'Invalid token: its expiry (exp) is missing.'],
    ['iat that is missing', { iat: undefined }, 'Invalid token: its time of issue (iat) is missing.'],
    [
      'both that are missing',
      { iat: undefined, exp: undefined },
      'Invalid token: its expiry (exp) is missing.',
    ],
    ...(['exp', 'iat', 'nbf'] as const).flatMap((name): [string, object, string][] => [
      [
        `${name} that is a text`,
        { [name]: '1' },
        `(${name}) must be a number of seconds since 1970, and is of type string.`,
      ],
      [
        `${name} that is a list`,
        { [name]: [1] },
        `(${name}) must be a number of seconds since 1970, and is of type object.`,
      ],
      [
        `${name} that is null`,
        { [name]: null },
        `(${name}) must be a number of seconds since 1970, and is null.`,
      ],
      [
        `${name} that is infinite`,
        { [name]: '@1e999' },
        `(${name}) must be a number of seconds since 1970, and is infinite.`,
      ],
    ]),
    [
      'iat in the future',
      { iat: NOW + 90, exp: NOW + 180 },
      `Invalid token: issued in the future, at ${iso(NOW + 90)} (iat), and ${HERE} One of the two clocks is wrong.`,
    ],
    [
      'iat in milliseconds',
      { iat: NOW * 1000, exp: NOW * 1000 + 60_000 },
      `(iat), and ${HERE} It seems to count milliseconds; tokens count seconds.`,
    ],
    ['iat that no calendar has', { iat: 1e300 }, `at 1e+300 s since 1970 (iat), and ${HERE}`],
    [
      'nbf in the future',
      { nbf: NOW + 90 },
      `Invalid token: not valid before ${iso(NOW + 90)} (nbf), and ${HERE}`,
    ],
    [
      'exp that is past',
      { iat: NOW - 90, exp: NOW - 30 },
      `This token expired at ${iso(NOW - 30)} (exp); ${HERE}`,
    ],
    ['exp that is 0', { exp: 0 }, `This token expired at 1970-01-01T00:00:00.000Z (exp); ${HERE}`],
    [
      'iat that is too long ago',
      { iat: NOW - 3_700, exp: NOW + 60 },
      `This token was issued at ${iso(NOW - 3_700)} (iat), and is valid for 3600 s (maxTokenAgeMs); ${HERE}`,
    ],
    [
      'iat that no calendar has, long ago',
      { iat: -1e300 },
      '-1e+300 s since 1970 (iat), and is valid for 3600 s',
    ],
  ])('%s is told with what is wrong', async (_what, claims, message) => {
    for (const said of await messagesOf(claims)) expect(said).toContain(message);
  });

  it('is not told of a token that nobody has signed', async () => {
    const { tokens } = setUp();
    const forged = `${tokenOf(HS256, { ...GOOD, exp: 1 })
      .split('.')
      .slice(0, 2)
      .join('.')}.AAAA`;
    expect(messageOf(await tokens.identity(forged))).toBe(
      'Invalid token: its signature matches no secret or key of this server.',
    );
  });
});
