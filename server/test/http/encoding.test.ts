/** What is not UTF-8 is refused wherever text comes in: bodies, queries, files, tokens, answers of others. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiKeys } from '../../src/auth/api-keys/api-keys.js';
import { TokenKeys } from '../../src/auth/tokens/token-keys.js';
import { loadConfig } from '../../src/config/sources.js';
import { otherCharset, utf8Of } from '../../src/http/utf8.js';
import { createDobby, type Dobby } from '../../src/index.js';
import { openApiKeyFile } from '../../src/open-api-key-file.js';
import { StateFolder } from '../../src/stores/state-folder/state-folder.js';
import { codeOf, GOOD, HS256, SET, setUp, TestLog, tokenOf } from '../auth/tokens/token-world.js';
import { FakeClock } from '../support/fake-clock.js';
import { makeTempFolder, tempFolder } from '../support/temp-folder.js';

const KEY = 'a-key-of-the-tests-0123456789';
const JSON_TYPE = 'application/json';

/** Ways not to be UTF-8, each as the text of a JSON string. */
const NOT_UTF8: [string, number[]][] = [
  ['latin1', [0x63, 0x61, 0x66, 0xe9]],
  ['a lone continuation byte', [0x80]],
  ['a sequence that is cut', [0xe2, 0x82]],
  ['an overlong form', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['more than Unicode has', [0xf4, 0x90, 0x80, 0x80]],
];

const around = (before: string, bytes: readonly number[], after: string): Buffer =>
  Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);

let dobby: Dobby;
let url: string;
let folder: ReturnType<typeof makeTempFolder>;

beforeAll(async () => {
  folder = makeTempFolder();
  dobby = createDobby({
    port: 0,
    stateDir: folder.path,
    apiKey: KEY,
    public: ['demo/{x*}'],
    logLevel: 'silent',
  });
  url = await dobby.start();
});

afterAll(async () => {
  await dobby.stop();
  folder.remove();
});

async function post(path: string, body: Buffer | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': JSON_TYPE, ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  const { error } = (await response.json()) as { error?: { code: string; message: string } };
  return { status: response.status, code: error?.code, message: error?.message };
}

describe.each(NOT_UTF8)('a body with %s', (_what, bytes) => {
  it.each([
    ['the API', '/api/update', '{"path":"demo/x","message":"', '"}'],
    ['the API, as a name', '/api/update', '{"path":"demo/', '","message":1}'],
    ['the API, for many', '/api/updates', '{"updates":[{"path":"demo/x","message":"', '"}]}'],
    ['the endpoint: open', '/comet', '{"type":"open","protocol":1,"paths":[{"path":"demo/', '"}]}'],
    ['the endpoint: send', '/comet', '{"type":"send","ticket":"', '","connection":1,"frames":[]}'],
    ['the endpoint: poll', '/comet', '{"type":"poll","ticket":"', '","connection":1,"cursor":"1"}'],
  ])('is refused by %s, and nothing is published', async (_door, path, before, after) => {
    const counted = dobby.info.updates;
    expect(await post(path, around(before, bytes, after))).toMatchObject({
      status: 400,
      code: 'bad_json',
      message: expect.stringContaining('UTF-8'),
    });
    expect(dobby.info.updates).toBe(counted);
  });
});

describe('a body', () => {
  const body = '{"path":"demo/x","message":"café 💬"}';

  it.each([
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; charset=utf8',
    'application/json; profile="x"; Charset=Utf-8',
    'application/json; profile="charset=latin1"',
  ])('of the type %s is taken', async (type) => {
    expect(await post('/api/update', body, { 'Content-Type': type })).toMatchObject({ status: 200 });
  });

  it.each([
    ['application/json; charset=iso-8859-1', 'iso-8859-1'],
    ['application/json;charset="latin1"', 'latin1'],
    ['application/json; charset=utf-16', 'utf-16'],
    ['application/json; charset=utf-8; charset=utf-7', 'utf-7'],
    ['application/json; charset=', ''],
  ])('of the type %s is refused everywhere', async (type, named) => {
    for (const path of ['/api/update', '/comet']) {
      expect(await post(path, body, { 'Content-Type': type })).toMatchObject({
        status: 415,
        code: 'unsupported_media_type',
        message: expect.stringContaining(`"${named}"`),
      });
    }
  });

  it('that is compressed is refused', async () => {
    const answer = await post('/api/update', body, { 'Content-Encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });
});

it.each(['%ff', 'caf%E9', '%c0%af', '%'])('a path %s in a query is refused', async (path) => {
  const response = await fetch(`${url}/comet?path=demo/${path}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: 'bad_path' } });
});

describe('a file with latin1 in it is refused by its name', () => {
  const fileOf = (name: string, content: Buffer): string => {
    const file = join(tempFolder(), name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };

  it('as the configuration', () => {
    const file = fileOf('dobby.json', around('{"public": ["caf', [0xe9], '"]}'));
    expect(() => loadConfig({ file, environment: {}, flags: {} })).toThrow(/dobby\.json.*UTF-8/);
  });

  it('as the file of API keys', () => {
    const file = fileOf('keys.json', around('[{"name": "a", "key": "0123456789abcdef', [0xe9], '"}]'));
    const parts = { file, keys: new ApiKeys([KEY]), log: new TestLog() };
    expect(() => openApiKeyFile(parts)).toThrow(/keys\.json.*UTF-8/);
  });

  it('as the keys of tokens', () => {
    const location = fileOf('keys.json', around(`${JSON.stringify(SET).slice(0, -1)},"x":"`, [0xe9], '"}'));
    const parts = { secrets: [], location, clock: new FakeClock(), log: new TestLog() };
    expect(() => new TokenKeys(parts)).toThrow(/keys\.json.*UTF-8/);
  });

  it('as a secret of the state folder', () => {
    const file = fileOf('webhook-secret', around('0123456789abcdef', [0xe9], '\n'));
    const state = new StateFolder(join(file, '..'), () => {});
    expect(() => state.made('webhook-secret').key).toThrow(/webhook-secret.*UTF-8/);
  });
});

it('a token whose claims are not UTF-8 is refused, well signed though it is', async () => {
  const claims = around(`${JSON.stringify(GOOD).slice(0, -1)},"sub":"caf`, [0xe9], '"}');
  expect(codeOf(await setUp().tokens.identity(tokenOf(HS256, claims)))).toBe('bad_token');
});

describe('text', () => {
  it('is what UTF-8 says, to the last byte', () => {
    expect(utf8Of(Buffer.from('\ufeffcafé 💬\u0000'))).toBe('\ufeffcafé 💬\u0000');
    for (const [, bytes] of NOT_UTF8) expect(utf8Of(Buffer.from(bytes))).toBeNull();
  });

  it('has the charset that its type names', () => {
    expect(otherCharset(undefined)).toBeNull();
    expect(otherCharset('application/json')).toBeNull();
    expect(otherCharset('text/html; charset=windows-1252, text/plain')).toBe('windows-1252');
  });
});
