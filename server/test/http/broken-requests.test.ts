/** What never becomes a request is answered with a code, readable to pages that may connect, and leaves a line in the log. */

import { afterEach, describe, expect, it } from 'vitest';
import { ERRORS } from '../../../protocol/codes.js';
import { LIMITS } from '../../../protocol/limits.js';
import { createHttpServer } from '../../src/http/http-server.js';
import { sparingLog } from '../../src/observe/log.js';
import { TestLog } from '../auth/tokens/token-world.js';
import { FakeClock } from '../support/fake-clock.js';
import { rawHttp, requestText } from '../support/raw-http.js';

const ORIGIN = 'https://app.example';
const running: ReturnType<typeof createHttpServer>[] = [];

afterEach(() => Promise.all(running.splice(0).map((app) => app.close())));

async function setUp() {
  const log = new TestLog();
  const app = createHttpServer(log, {
    corsOf: ({ origin }) => (origin === ORIGIN ? { 'Access-Control-Allow-Origin': ORIGIN } : {}),
    addressOf: (headers, peer) => String(headers['x-forwarded-for'] ?? peer),
  });
  app.get('/', async () => ({ ok: true }));
  app.post('/', async ({ body }) => ({ body }));
  running.push(app);
  return { log, url: await app.listen({ port: 0, host: '127.0.0.1' }) };
}

const cookie = (bytes: number): string => `Cookie: session=${'x'.repeat(bytes)}`;
const CLOSE = 'Connection: close';

describe('headers that are too large', () => {
  it.each([
    ['one cookie', [cookie(LIMITS.headerBytes)]],
    ['many cookies', Array.from({ length: 40 }, (_, i) => `Cookie: c${i}=${'x'.repeat(500)}`)],
    ['many headers', Array.from({ length: 1_500 }, (_, i) => `X-${i}: value-${i}`)],
    ['100 KB', [cookie(100_000)]],
  ])('%s are 431 with a code, for a page that may connect', async (_what, headers) => {
    const { log, url } = await setUp();
    for (const method of ['GET', 'POST', 'OPTIONS', 'PUT']) {
      const text = await rawHttp(url, [requestText(`${method} /`, [`Origin: ${ORIGIN}`, CLOSE, ...headers])]);
      expect(text).toContain('HTTP/1.1 431 ');
      expect(text).toContain('"code":"headers_too_large"');
      expect(text.toLowerCase()).toContain(`access-control-allow-origin: ${ORIGIN}`);
    }
    expect(log.levels).toEqual(['warn', 'warn', 'warn', 'warn']);
    expect(log.text).toContain('headers are too large');
    expect(log.text).not.toContain('xxx');
  });

  it('beyond what the parser takes are 431 too, and in the log', async () => {
    const { log, url } = await setUp();
    const text = await rawHttp(url, [requestText('GET /', [`Origin: ${ORIGIN}`, cookie(300_000)])]);
    expect(text).toContain('HTTP/1.1 431 ');
    expect(text).toContain('"code":"headers_too_large"');
    expect(log.levels).toEqual(['warn']);
  });

  it('by their URL are 431 too', async () => {
    const { url } = await setUp();
    expect(await rawHttp(url, [requestText(`GET /?${'x'.repeat(LIMITS.headerBytes)}`, [CLOSE])])).toContain(
      '431',
    );
  });

  it('are told no page of another origin', async () => {
    const { url } = await setUp();
    for (const bytes of [LIMITS.headerBytes, 100_000]) {
      const headers = ['Origin: https://evil.example', CLOSE, cookie(bytes)];
      expect((await rawHttp(url, [requestText('GET /', headers)])).toLowerCase()).not.toContain(
        'access-control',
      );
    }
  });

  it('are logged with the address of the client, and not of its proxy', async () => {
    const { url, log } = await setUp();
    for (const bytes of [LIMITS.headerBytes, 300_000]) {
      await rawHttp(url, [requestText('GET /', ['X-Forwarded-For: 203.0.113.9', CLOSE, cookie(bytes)])]);
    }
    expect(log.lines.map(({ fields }) => fields)).toMatchObject([{ address: '203.0.113.9' }, {}]);
  });

  it('begin above the limit', async () => {
    const { url } = await setUp();
    const text = await rawHttp(url, [requestText('GET /', [CLOSE, cookie(LIMITS.headerBytes - 500)])]);
    expect(text).toContain('200 OK');
  });
});

describe('what is no request', () => {
  it.each([
    ['no HTTP', 'HELLO\r\n\r\n', 400, 'bad_request'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n', 400, 'bad_request'],
    ['another version', 'GET / HTTP/9.9\r\n\r\n', 400, 'bad_request'],
    ['a broken header', 'GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n', 400, 'bad_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    ['no host', `GET / HTTP/1.1\r\n${CLOSE}\r\n\r\n`, 400, 'bad_request'],
    ['a tunnel', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'method_not_allowed'],
  ])('%s is answered with a code', async (_what, bytes, status, code) => {
    const text = await rawHttp((await setUp()).url, [Buffer.from(bytes, 'latin1')]);
    expect(text).toContain(`HTTP/1.1 ${status} `);
    expect(text).toContain(`"code":"${code}"`);
  });

  it('is no verdict on its client: the same request may succeed later', () => {
    for (const code of ['bad_request', 'headers_too_large', 'request_timeout'] as const) {
      expect(ERRORS[code].retryable, code).toBe(true);
    }
  });

  it('may be read by a page when it names its origin', async () => {
    const { url, log } = await setUp();
    const text = await rawHttp(url, [`GET / HTTP/1.1\r\nHost: x\r\nOrigin: ${ORIGIN}\r\nno header\r\n\r\n`]);
    expect(text).toContain(`Access-Control-Allow-Origin: ${ORIGIN}`);
    expect(log.levels).toEqual(['debug']);
  });

  it('in a body is told to the page whose request it was', async () => {
    const { url } = await setUp();
    const headers = [`Origin: ${ORIGIN}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked'];
    const text = await rawHttp(url, [requestText('POST /', headers), 'no chunk\r\n']);
    expect(text).toContain('"code":"bad_request"');
    expect(text).toContain(`Access-Control-Allow-Origin: ${ORIGIN}`);
  });
});

it('an expectation that is not known is ignored', async () => {
  const { url } = await setUp();
  expect(await rawHttp(url, [requestText('GET /', ['Expect: a-cake', CLOSE])])).toContain('200 OK');
});

describe('a sparing log', () => {
  it('passes on 20 lines of a message in a minute, and then says how many it left out', () => {
    const log = new TestLog();
    const clock = new FakeClock();
    const sparing = sparingLog(log, clock);
    for (let i = 0; i < 50; i++) sparing.warn({ i }, 'one');
    sparing.info({}, 'another');
    expect(log.lines.length).toBe(21);
    clock.spend(59_999);
    sparing.warn({}, 'one');
    expect(log.lines.length).toBe(21);
    clock.spend(1);
    sparing.warn({ i: 51 }, 'one');
    sparing.warn({ i: 52 }, 'one');
    expect(log.lines.slice(-2).map(({ fields }) => fields)).toEqual([{ i: 51, leftOut: 31 }, { i: 52 }]);
  });
});
