/** Keys of every algorithm, tokens that say whatever a test wants, and a server of keys on the loopback. */
import {
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign as signWith,
} from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { TokenKeys } from '../../../src/auth/tokens/token-keys.js';
import { Tokens, type TokensOptions } from '../../../src/auth/tokens/tokens.js';
import type { Log } from '../../../src/observe/log.js';
import { FakeClock } from '../../support/fake-clock.js';
import { tempFolder } from '../../support/temp-folder.js';

export const SECRET = 'a-secret-that-nobody-else-can-know-0001';

type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

/** A pair of keys and how it is published. */
export interface TestKey {
  readonly alg: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey & { kid: string };
}

/** Makes a pair of keys. */
export function makeKey(alg: Algorithm, kid: string = alg, bits = 2_048): TestKey {
  const pair =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  return { alg, ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid } };
}

/** One of each, made once. */
export const KEYS = {
  RS256: makeKey('RS256'),
  ES256: makeKey('ES256'),
  EdDSA: makeKey('EdDSA'),
} as const;

/** A set with one key of each kind. */
export const SET = { keys: Object.values(KEYS).map(({ jwk }) => jwk) };

export type Signer = (input: string) => Buffer;

/** Signs with HMAC-SHA-256 under any bytes. */
export const hmac =
  (secret: string | Buffer = SECRET): Signer =>
  (input) =>
    createHmac('sha256', secret).update(input).digest();

/** Signs with the private key of a pair, as its algorithm wants it. */
export const withKey =
  ({ alg, privateKey }: TestKey): Signer =>
  (input) =>
    signWith(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    });

const textOf = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));

/** A token of this header and these claims, which may be any text and any bytes, signed well whatever they say. */
export function tokenOf(header: unknown, claims: unknown, signer: Signer = hmac()): string {
  const encode = (part: unknown) =>
    Buffer.from(part instanceof Uint8Array ? part : textOf(part)).toString('base64url');
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

/** A token that a pair of keys has signed and that names it. */
export const tokenBy = (key: TestKey, claims: unknown, header: object = {}) =>
  tokenOf({ alg: key.alg, kid: key.jwk.kid, ...header }, claims, withKey(key));

/** A log that remembers. */
export class TestLog implements Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: object }[] = [];
  debug = this.#at('debug');
  info = this.#at('info');
  warn = this.#at('warn');
  error = this.#at('error');

  /** The levels of what was logged. */
  get levels(): string[] {
    return this.lines.map(({ level }) => level);
  }

  get text(): string {
    return JSON.stringify(this.lines);
  }

  #at(level: string): (fields: object, message: string) => void {
    return (fields, message) => void this.lines.push({ level, message, fields });
  }
}

const HOUR_MS = 3_600_000;
/** The fake clock's present, in seconds. */
export const NOW = new FakeClock().now() / 1000;
/** The least that a good token says. */
export const GOOD = { iat: NOW, exp: NOW + 60, aud: 'dobby' };
export const HS256 = { alg: 'HS256' };

/** Tokens that are read with the secret and one key of each kind, unless a test says otherwise. */
export function setUp(
  options: Partial<TokensOptions> = {},
  keys: { secret: string | readonly string[] | null; set: unknown } = ALL,
) {
  const clock = new FakeClock();
  let location: string | null = null;
  if (keys.set !== null) {
    location = join(tempFolder(), 'keys.json');
    writeFileSync(location, JSON.stringify(keys.set));
  }
  const found = new TokenKeys({
    secrets: keys.secret === null ? [] : [keys.secret].flat(),
    location,
    clock,
    log: new TestLog(),
  });
  const tokens = new Tokens({ keys: found, audience: 'dobby', maxAgeMs: HOUR_MS, clock, ...options });
  return { clock, tokens };
}

const ALL = { secret: SECRET, set: SET };
export const codeOf = (outcome: object) =>
  'error' in outcome ? (outcome.error as { code: string }).code : 'good';
export const messageOf = (outcome: object) =>
  'error' in outcome ? (outcome.error as { message: string }).message : '';

/** A server of keys. */
export interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  asked: number;
  answer: (response: ServerResponse) => void;
  close(): Promise<void>;
}

const running: KeyServer[] = [];

afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

/** Answers with JSON. */
export const serving =
  (body: unknown, status = 200) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };

/** Starts one. */
export async function keyServer(answer: KeyServer['answer'] = serving(SET)): Promise<KeyServer> {
  const server = createServer((_request, response) => {
    made.asked++;
    made.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const made: KeyServer = {
    url: `http://127.0.0.1:${port}/keys.json?app=1`,
    asked: 0,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  running.push(made);
  return made;
}
