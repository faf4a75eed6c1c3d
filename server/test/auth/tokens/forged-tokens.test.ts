import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  GOOD,
  HS256,
  hmac,
  KEYS,
  makeKey,
  SECRET,
  SET,
  setUp,
  tokenBy,
  tokenOf,
} from './token-world.js';

const STRANGER = makeKey('ES256', 'ES256');
const own = hmac();
const unsigned = () => Buffer.alloc(0);
const { RS256, ES256, EdDSA } = KEYS;

/** Everything that somebody without a key might try, and what the message says of it. */
const FORGED: [string, string, RegExp][] = [
  ['nothing', '', /not a JWT/],
  ['one part', 'abc', /not a JWT/],
  ['two parts', 'abc.def', /not a JWT/],
  ['four parts', `${tokenOf(HS256, GOOD)}.x`, /not a JWT/],
  ['five parts, as an encrypted one has', 'a.b.c.d.e', /not a JWT/],
  ['an empty header', tokenOf(HS256, GOOD).replace(/^[^.]+/, ''), /not a JWT/],
  ['a header that is no base64url', tokenOf(HS256, GOOD).replace(/^../, '!!'), /not a JWT/],
  ['a header that is no JSON', tokenOf('{', GOOD), /not a JWT/],
  ['a header that is a list', tokenOf([HS256], GOOD), /not a JWT/],
  ['a header that is a text', tokenOf('"HS256"', GOOD), /not a JWT/],
  ['white space after it', `${tokenOf(HS256, GOOD)}\n`, /not a JWT/],
  ['padding', `${tokenOf(HS256, GOOD)}=`, /not a JWT/],
  ['no alg', tokenOf({}, GOOD), /\(alg\)/],
  ['alg none', tokenOf({ alg: 'none' }, GOOD), /\(alg\)/],
  ['alg none, unsigned', tokenOf({ alg: 'none' }, GOOD, unsigned), /\(alg\)/],
  ['alg NONE', tokenOf({ alg: 'NONE' }, GOOD, unsigned), /\(alg\)/],
  ['alg nOnE', tokenOf({ alg: 'nOnE' }, GOOD, unsigned), /\(alg\)/],
  ['alg null', tokenOf({ alg: null }, GOOD, unsigned), /\(alg\)/],
  ['alg as a list', tokenOf({ alg: ['HS256'] }, GOOD), /\(alg\)/],
  ['alg as an object', tokenOf({ alg: { HS256: 1 } }, GOOD), /\(alg\)/],
  ['alg hs256', tokenOf({ alg: 'hs256' }, GOOD), /\(alg\)/],
  ['alg with a space', tokenOf({ alg: 'HS256 ' }, GOOD), /\(alg\)/],
  ['alg __proto__', tokenOf('{"alg":"__proto__"}', GOOD), /\(alg\)/],
  ...['HS384', 'HS512', 'RS384', 'PS256', 'ES384', 'Ed25519', 'A128KW', 'dir'].map(
    (alg): [string, string, RegExp] => [`alg ${alg}`, tokenOf({ alg }, GOOD), /\(alg\)/],
  ),
  ['another secret', tokenOf(HS256, GOOD, hmac('another-secret-of-enough-characters')), /signature/],
  ['no signature', tokenOf(HS256, GOOD, unsigned), /signature/],
  ['half a signature', tokenOf(HS256, GOOD, (input) => own(input).subarray(0, 16)), /signature/],
  [
    'a signature and more',
    tokenOf(HS256, GOOD, (input) => Buffer.concat([own(input), own(input)])),
    /signature/,
  ],
  ['the signature of other claims', tokenOf(HS256, GOOD, () => own('else')), /signature/],
  ['HS256 with the PEM of the public key', tokenOf(HS256, GOOD, hmac(pem(RS256.publicKey))), /signature/],
  [
    'HS256 with the PEM and the name of the key',
    tokenOf({ ...HS256, kid: 'RS256' }, GOOD, hmac(pem(RS256.publicKey).trim())),
    /signature/,
  ],
  ['HS256 with the DER of the public key', tokenOf(HS256, GOOD, hmac(der(RS256.publicKey))), /signature/],
  [
    'HS256 with the JWK of the public key',
    tokenOf(HS256, GOOD, hmac(JSON.stringify(ES256.jwk))),
    /signature/,
  ],
  [
    'HS256 with x of the public key',
    tokenOf(HS256, GOOD, hmac(Buffer.from(EdDSA.jwk.x ?? '', 'base64url'))),
    /signature/,
  ],
  ['HS256 with nothing as secret', tokenOf(HS256, GOOD, hmac('')), /signature/],
  ['RS256 with the secret', tokenOf({ alg: 'RS256', kid: 'RS256' }, GOOD), /signature/],
  ['ES256 with the secret', tokenOf({ alg: 'ES256', kid: 'ES256' }, GOOD), /signature/],
  ['EdDSA with the secret', tokenOf({ alg: 'EdDSA', kid: 'EdDSA' }, GOOD), /signature/],
  ['another key of the same name', tokenBy(STRANGER, GOOD), /signature/],
  ['a key that is not known', tokenBy(STRANGER, GOOD, { kid: 'else' }), /no key/],
  ['ES256 that names an RSA key', tokenBy(ES256, GOOD, { kid: 'RS256' }), /no key/],
  ['RS256 that names a key of ES256', tokenBy(RS256, GOOD, { kid: 'ES256' }), /no key/],
  ['a kid that is a number', tokenBy(ES256, GOOD, { kid: 7 }), /no key/],
  ['a kid that is __proto__', tokenBy(ES256, GOOD, { kid: '__proto__' }), /no key/],
  [
    'a signature of zeros',
    tokenOf({ alg: 'ES256', kid: 'ES256' }, GOOD, () => Buffer.alloc(64)),
    /signature/,
  ],
  ['an embedded key', tokenBy(STRANGER, GOOD, { kid: undefined, jwk: STRANGER.jwk }), /signature/],
  ['a key at a URL', tokenBy(STRANGER, GOOD, { jku: 'http://127.0.0.1:1/keys.json' }), /signature/],
  ['a certificate at a URL', tokenBy(STRANGER, GOOD, { x5u: 'http://127.0.0.1:1/cert' }), /signature/],
  ['an embedded certificate', tokenBy(STRANGER, GOOD, { x5c: ['MIIB'] }), /signature/],
  ['an extension that is critical', tokenOf({ ...HS256, crit: ['exp'], exp: 1 }, GOOD), /\(crit\)/],
  ['crit that is empty', tokenOf({ ...HS256, crit: [] }, GOOD), /\(crit\)/],
  ['crit that is a text', tokenOf({ ...HS256, crit: 'b64' }, GOOD), /\(crit\)/],
  ['b64: false', unencoded(), /\(crit\)/],
  ['no JSON', tokenOf(HS256, '{'), /JSON object/],
  ['no claims', tokenOf(HS256, ''), /JSON object/],
  ['a list', tokenOf(HS256, [GOOD]), /JSON object/],
  ['null', tokenOf(HS256, 'null'), /JSON object/],
  ['a number', tokenOf(HS256, '7'), /JSON object/],
  ['a text', tokenOf(HS256, '"x"'), /JSON object/],
  [
    'bytes that are no UTF-8',
    tokenOf(HS256, GOOD).replace(/\.[^.]+\.[^.]*$/, badUtf8()),
    /JSON object|signature/,
  ],
  ['no audience', tokenOf(HS256, { ...GOOD, aud: undefined }), /\(aud\)/],
  ['another audience', tokenOf(HS256, { ...GOOD, aud: 'Dobby' }), /\(aud\)/],
  ['other audiences', tokenOf(HS256, { ...GOOD, aud: ['a', 'b'] }), /\(aud\)/],
  ['no audience in the list', tokenOf(HS256, { ...GOOD, aud: [] }), /\(aud\)/],
  ['an audience that is an object', tokenOf(HS256, { ...GOOD, aud: { dobby: 1 } }), /\(aud\)/],
  ['100 KB', tokenOf(HS256, { ...GOOD, more: 'x'.repeat(75_000) }), /16384 characters/],
];

function pem(key: typeof RS256.publicKey): string {
  return String(key.export({ type: 'spki', format: 'pem' }));
}

function der(key: typeof RS256.publicKey): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** RFC 7797: the payload stands in the token as it is. */
function unencoded(): string {
  const header = Buffer.from(JSON.stringify({ ...HS256, b64: false, crit: ['b64'] })).toString('base64url');
  return `${header}.abc.${own(`${header}.abc`).toString('base64url')}`;
}

function badUtf8(): string {
  const header = Buffer.from(JSON.stringify(HS256)).toString('base64url');
  const payload = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('base64url');
  return `.${payload}.${own(`${header}.${payload}`).toString('base64url')}`;
}

describe('a forged or broken token', () => {
  it.each(FORGED)('is refused: %s', async (_what, token, message) => {
    const { tokens } = setUp();
    for (const outcome of [await tokens.identity(token), await tokens.pathToken(token)]) {
      expect(outcome).toMatchObject({
        error: { code: 'bad_token', message: expect.stringMatching(message) },
      });
      for (const part of token.split('.').filter((part) => part.length > 8)) {
        expect(JSON.stringify(outcome)).not.toContain(part);
      }
    }
  });

  it('is refused where only the other kind of key is known', async () => {
    const bySecret = setUp({}, { secret: SECRET, set: null }).tokens;
    const byKeys = setUp({}, { secret: null, set: SET }).tokens;
    for (const key of Object.values(KEYS)) {
      expect(codeOf(await bySecret.identity(tokenBy(key, GOOD)))).toBe('bad_token');
      expect(codeOf(await byKeys.identity(tokenBy(key, GOOD)))).toBe('good');
    }
    expect(codeOf(await bySecret.identity(tokenOf(HS256, GOOD)))).toBe('good');
    for (const secret of [
      SECRET,
      '',
      pem(RS256.publicKey),
      der(RS256.publicKey),
      JSON.stringify(RS256.jwk),
    ]) {
      expect(codeOf(await byKeys.identity(tokenOf(HS256, GOOD, hmac(secret))))).toBe('bad_token');
    }
  });

  it('is refused when any character of it is another, and read when none is', async () => {
    const { tokens } = setUp();
    const token = tokenBy(EdDSA, GOOD);
    const signature = token.lastIndexOf('.');
    for (let at = 0; at < signature; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const outcome = await tokens.identity(token.slice(0, at) + other + token.slice(at + 1));
      expect(codeOf(outcome), `character ${at}`).toBe('bad_token');
    }
    expect(codeOf(await tokens.identity(token))).toBe('good');
  });

  it('never makes reading reject', async () => {
    const { tokens } = setUp();
    const part = fc.oneof(
      fc.base64String(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
    );
    const header = fc.record(
      { alg: fc.constantFrom('HS256', 'ES256', 'EdDSA', 7), kid: fc.jsonValue(), crit: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
      fc.tuple(header, fc.jsonValue()).map(([head, claims]) => tokenOf(head, claims)),
      fc.jsonValue().map((value) => tokenOf(HS256, { ...GOOD, iat: value })),
      fc
        .tuple(fc.jsonValue(), fc.jsonValue())
        .map(([grants, sub]) => tokenOf(HS256, { ...GOOD, grants, sub, paths: grants })),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(['good', 'bad_token', 'expired_token']).toContain(codeOf(await tokens.identity(text)));
        expect(['good', 'bad_token', 'expired_token']).toContain(codeOf(await tokens.pathToken(text)));
      }),
      { numRuns: 1_000 },
    );
  });
});
