/** Requests that offer an upgrade which this server does not make are answered as if they had offered nothing. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { rawHttp, requestText } from '../support/raw-http.js';
import { makeTempFolder } from '../support/temp-folder.js';

const KEY = 'a-key-of-the-tests-0123456789';
const JSON_TYPE = 'Content-Type: application/json';
const AUTHORIZED = [`Authorization: Bearer ${KEY}`, JSON_TYPE];
const H2C = [
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
];
const UPDATE = JSON.stringify({ path: 'demo/a', message: 1 });

let dobby: Dobby;
let url: string;
let folder: ReturnType<typeof makeTempFolder>;

beforeAll(async () => {
  folder = makeTempFolder();
  dobby = createDobby({
    port: 0,
    stateDir: folder.path,
    apiKey: KEY,
    public: ['demo/{x}'],
    logLevel: 'silent',
  });
  url = await dobby.start();
});

afterAll(async () => {
  await dobby.stop();
  folder.remove();
});

/** The status and the body of each answer of one connection. */
function answersOf(text: string): { status: number; body: string }[] {
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => ({
    status: Number(answer.slice(9, 12)),
    body: answer.slice(answer.indexOf('\r\n\r\n') + 4),
  }));
}

const closing = (headers: readonly string[]): string[] =>
  headers.map((header) => (header.startsWith('Connection:') ? `${header}, close` : header));

async function ask(
  line: string,
  headers: readonly string[],
  body = '',
): Promise<{ status: number; body: string }> {
  const [answer] = answersOf(await rawHttp(url, [requestText(line, closing(headers), body)]));
  return answer ?? { status: 0, body: '' };
}

describe.each([
  ['h2c', H2C],
  ['h2c in other cases', ['connection: upgrade,http2-settings', 'upgrade: H2C', 'http2-settings: AAM']],
  ['TLS', ['Connection: Upgrade', 'Upgrade: TLS/1.2']],
  ['several protocols', ['Connection: keep-alive, Upgrade', 'Upgrade: h2c, IRC/6.9']],
  ['nothing that has a name', ['Connection: Upgrade', 'Upgrade: ,']],
  ['a WebSocket without a key', ['Connection: Upgrade', 'Upgrade: websocket']],
])('a request that offers %s', (_offer, offer) => {
  const withClose = [...offer, 'Connection: close'];

  it('gets the ordinary answer of a GET', async () => {
    expect(await ask('GET /health', withClose)).toEqual({ status: 200, body: '{"status":"ok"}' });
    expect(await ask('GET /nothing', withClose)).toMatchObject({ status: 404 });
    expect(await ask('GET /comet', withClose)).toMatchObject({ status: 400 });
  });

  it('gets the ordinary answer of a POST, whose body is read', async () => {
    expect(await ask('POST /api/update', [...AUTHORIZED, ...withClose], UPDATE)).toMatchObject({
      status: 200,
      body: expect.stringContaining('"position"'),
    });
    expect(await ask('POST /api/update', [JSON_TYPE, ...withClose], UPDATE)).toMatchObject({ status: 401 });
    const open = await ask('POST /comet', [JSON_TYPE, ...withClose], '{"type":"open","protocol":1}');
    expect(open.status).toBe(200);
    expect(open.body).toContain('"opened"');
  });
});

describe('bodies of such requests', () => {
  it('may come later, and in chunks', async () => {
    const head = requestText('POST /api/update', [...AUTHORIZED, ...H2C, 'Transfer-Encoding: chunked']);
    const chunks = [UPDATE.slice(0, 5), UPDATE.slice(5)].map(
      (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
    );
    const text = await rawHttp(url, [head, ...chunks, '0\r\n\r\n'], (all) => all.includes('"position"'));
    expect(text).toContain('200 OK');
  });
});

describe('requests of one connection that all offer h2c', () => {
  it('are answered one after the other', async () => {
    const one = requestText('GET /health', H2C);
    const requests = [
      ...Array.from({ length: 29 }, () => one),
      requestText('GET /health', [...H2C, 'Connection: close']),
    ];
    const answers = answersOf(await rawHttp(url, requests));
    expect(answers.map(({ status }) => status)).toEqual(requests.map(() => 200));
  });

  it('are answered in their order when they come at once', async () => {
    const all = [
      requestText('POST /api/update', [...AUTHORIZED, ...H2C], UPDATE),
      requestText('GET /nothing', H2C),
      requestText('GET /health', ['Connection: close']),
    ];
    const answers = answersOf(await rawHttp(url, [all.join('')]));
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200]);
  });
});

describe('clients that offer h2c by themselves', () => {
  it('can use the API: curl --http2', async (context) => {
    const curl = promisify(execFile)('curl', [
      ...['-sS', '--http2', '-H', `Authorization: Bearer ${KEY}`, '-H', JSON_TYPE, '-d', UPDATE],
      ...['-w', ' %{http_code}', `${url}/api/update`],
    ]);
    const { stdout } = await curl.catch((error: { code?: unknown }) => {
      if (error.code === 'ENOENT') return context.skip('curl is not installed');
      throw error;
    });
    expect(stdout).toMatch(/"position".* 200$/);
  });
});

describe('a WebSocket handshake', () => {
  it('may stand among other offers', async () => {
    const headers = ['Connection: Upgrade', 'Upgrade: h2c, websocket', 'Sec-WebSocket-Version: 13'];
    const request = requestText('GET /comet', [...headers, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']);
    expect(await rawHttp(url, [request], (text) => text.includes('\r\n\r\n'))).toContain(
      '101 Switching Protocols',
    );
  });

  it('elsewhere than at the endpoint is an ordinary request', async () => {
    const headers = ['Connection: Upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const answer = await ask('GET /health', [...headers, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']);
    expect(answer).toEqual({ status: 200, body: '{"status":"ok"}' });
  });
});
