/** Hostile and broken clients against a real server: each gets a coded error or a documented close code, and nobody else notices. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createDobby, type Dobby } from '../../src/index.js';
import { exchange, openEventStream, openWebSocket, type TestWire } from '../transports/wires.js';

const KEY = 'a-key-of-the-tests-0123456789';
const OPEN = { type: 'open', protocol: 1 };

let dobby: Dobby;
let url: string;
let endpoint: string;
let stateDir: string;
let bystander: TestWire;
let told = 0;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-bad-'));
  dobby = createDobby({
    port: 0,
    stateDir,
    apiKey: KEY,
    public: ['demo/{name*}'],
    logLevel: 'silent',
    grantWaitMs: 300,
  });
  url = await dobby.start();
  endpoint = `${url}/comet`;
  bystander = await openWebSocket(endpoint, { ...OPEN, paths: [{ path: 'demo/bystander' }] });
});

afterAll(async () => {
  bystander.cut();
  await dobby.stop();
  rmSync(stateDir, { recursive: true });
});

/** Nothing else is disturbed: somebody else still hears, over the connection it had all along. */
async function undisturbed(): Promise<void> {
  await dobby.update('demo/bystander', ++told);
  const update = await bystander.until('the update to the bystander', (frame) => frame['message'] === told);
  expect(update['message']).toBe(told);
}

async function api(
  method: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; error: { code: string; field?: string } }> {
  const response = await fetch(`${url}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}`, ...headers },
    body,
  });
  return { status: response.status, ...((await response.json()) as { error: { code: string } }) };
}

function rawWebSocket(): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(endpoint.replace('http', 'ws'));
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
  });
}

const closeCode = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.on('close', resolve));
const nextText = (socket: WebSocket): Promise<string> =>
  new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));

/** Writes bytes to the server and reads what comes back until it ends the connection. */
function raw(bytes: string, onData: (socket: Socket, text: string) => void = () => {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = netConnect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      onData(socket, text);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('the first frame of a WebSocket', () => {
  it.each([
    ['text that is not JSON', '{"type":', 'bad_json'],
    ['JSON that is not an object', '[1]', 'bad_frame'],
    ['an unknown type', '{"type":"fly"}', 'unknown_type'],
    ['a type from a prototype', '{"type":"constructor"}', 'unknown_type'],
    ['another frame than open', '{"type":"pong"}', 'not_open'],
    ['an unknown field', '{"type":"open","protocol":1,"admin":true}', 'unknown_field'],
    ['a wrong type', '{"type":"open","protocol":"1"}', 'bad_field'],
    ['another version', '{"type":"open","protocol":99}', 'unsupported_protocol'],
  ])('%s is refused with a code, and the connection closes open_refused', async (_what, text, code) => {
    const socket = await rawWebSocket();
    const closed = closeCode(socket);
    const answer = nextText(socket);
    socket.send(text);
    expect(JSON.parse(await answer)).toMatchObject({ type: 'error', code });
    expect(await closed).toBe(4202);
    await undisturbed();
  });

  it('that never comes closes the connection with open_timeout', { timeout: 15_000 }, async () => {
    expect(await closeCode(await rawWebSocket())).toBe(4003);
    await undisturbed();
  });
});

describe('WebSocket messages', () => {
  it('over 64 KB are refused with too_large, and the connection goes on', async () => {
    const wire = await openWebSocket(endpoint, OPEN);
    await wire.send({ type: 'unsubscribe', n: 1, paths: ['x'.repeat(70_000)] });
    expect(await wire.next()).toMatchObject({ type: 'error', code: 'too_large' });
    await wire.send({ type: 'subscribe', n: 1, paths: [{ path: 'demo/on' }] });
    expect(await wire.next()).toMatchObject({ type: 'subscribed' });
    wire.cut();
    await undisturbed();
  });

  it('over 256 KB close with 1009, binary ones with 1003, invalid UTF-8 with 1007', async () => {
    const huge = await rawWebSocket();
    huge.send('x'.repeat(300_000));
    expect(await closeCode(huge)).toBe(1009);
    const binary = await rawWebSocket();
    binary.send(Buffer.from([1, 2, 3]));
    expect(await closeCode(binary)).toBe(1003);
    const invalid = await rawWebSocket();
    invalid.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await closeCode(invalid)).toBe(1007);
    await undisturbed();
  });

  it('cut in half disturb nobody', async () => {
    const { host } = new URL(url);
    const handshake = `GET /comet HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    let isSent = false;
    const text = await raw(handshake, (socket) => {
      if (isSent) return;
      isSent = true;
      socket.write(Buffer.from([0x81, 0xfe, 0x01])); // a header that promises more
      socket.end();
    });
    expect(text).toContain('101 Switching Protocols');
    await undisturbed();
  });

  it('that are unmasked close with 1002', async () => {
    const { host } = new URL(url);
    const handshake = `GET /comet HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    let isSent = false;
    const text = await raw(handshake, (socket) => {
      if (!isSent) socket.write(Buffer.from([0x81, 0x02, 0x7b, 0x7d]));
      isSent = true;
    });
    // A close frame with the code 1002.
    expect(text).toContain(Buffer.from([0x03, 0xea]).toString('latin1'));
    await undisturbed();
  });
});

describe('HTTP requests', () => {
  it.each([
    ['update', '{"path":', 400, 'bad_json', undefined],
    ['update', '[]', 400, 'bad_field', undefined],
    ['update', '{"path":"a"}', 400, 'bad_field', 'message'],
    ['update', '{"path":7,"message":1}', 400, 'bad_field', 'path'],
    ['update', '{"path":"a*","message":1}', 400, 'bad_path', 'path'],
    ['update', '{"path":"::connect","message":"a->b"}', 400, 'reserved_path', 'path'],
    ['update', '{"path":"a","message":1,"loud":true}', 400, 'unknown_field', 'loud'],
    ['update', '{"path":"a","message":1,"except":[1]}', 400, 'bad_field', 'except.0'],
    ['update', `{"path":"a","message":"${'x'.repeat(70_000)}"}`, 413, 'too_large', 'message'],
    ['update', `{"path":"a","message":"${'x'.repeat(1_100_000)}"}`, 413, 'too_large', undefined],
    [
      'updates',
      `{"updates":${JSON.stringify(Array.from({ length: 1_001 }, () => 1))}}`,
      400,
      'too_many_items',
      'updates',
    ],
    ['connect', '{"id":"nobody","paths":["a"]}', 404, 'unknown_session', undefined],
    ['connect', '{"id":"nobody","paths":"a"}', 400, 'bad_field', 'paths'],
    ['disconnect', '{"id":"nobody","paths":["a"]}', 404, 'unknown_session', undefined],
    ['kick', '{"id":"nobody"}', 404, 'unknown_session', undefined],
    ['sessions', '{"limit":0}', 400, 'bad_field', 'limit'],
    ['dance', '{}', 404, 'not_found', undefined],
  ])('%s %.60s is answered %i %s', async (method, body, status, code, field) => {
    const answer = await api(method, body);
    expect(answer).toMatchObject({ status, error: { code, ...(field === undefined ? {} : { field }) } });
    await undisturbed();
  });

  it('with a missing, a wrong or a cut key are unauthorized, whatever else they say', async () => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer x',
      `Bearer ${KEY.slice(0, -1)}`,
      `Basic ${KEY}`,
      `Bearer ${KEY}x`,
    ]) {
      const answer = await api('kick', '{', { Authorization: authorization });
      expect(answer).toMatchObject({ status: 401, error: { code: 'unauthorized' } });
    }
  });

  it('of another media type are refused', async () => {
    const answer = await api('update', 'path=a', { 'Content-Type': 'application/x-www-form-urlencoded' });
    expect(answer).toMatchObject({ status: 415, error: { code: 'unsupported_media_type' } });
    const form = await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ type: 'open' }) });
    expect(form.status).toBe(415);
  });

  it('with several updates are answered one by one, and the good ones take effect', async () => {
    const updates = [
      { path: 'demo/some', message: 1 },
      { path: '::x', message: 2 },
      { message: 3 },
      { path: 'demo/some', message: 4 },
    ];
    const response = await fetch(`${url}/api/updates`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ updates }),
    });
    expect(await response.json()).toMatchObject({
      results: [
        { position: { offset: 1 } },
        { error: { code: 'reserved_path', field: 'updates.1.path' } },
        { error: { code: 'bad_field', field: 'updates.2.path' } },
        { position: { offset: 2 } },
      ],
    });
  });

  it('with an idempotency key take effect once; another body with the key is refused', async () => {
    const call = (message: string) =>
      fetch(`${url}/api/update`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ path: 'demo/once', message, idempotencyKey: 'k1' }),
      }).then((response) => response.json());
    const first = await call('a');
    expect(await call('a')).toEqual({ ...(first as object), repeated: true });
    expect(await call('b')).toMatchObject({ error: { code: 'idempotency_key_reused' } });
  });

  it('whose body never ends are answered 408 request_timeout', { timeout: 20_000 }, async () => {
    const { host } = new URL(url);
    const text = await raw(
      `POST /comet HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"type":`,
    );
    expect(text).toContain('408');
    expect(text).toContain('request_timeout');
    await undisturbed();
  });

  it('that are not HTTP are answered 400 with a code', async () => {
    expect(await raw('HELLO\r\n\r\n')).toContain('"code":"bad_request"');
    await undisturbed();
  });
});

describe('pages of other origins', () => {
  it('are refused on every transport, and told which configuration line would allow them', async () => {
    const headers = { Origin: 'https://evil.example' };
    const refusal = {
      status: 403,
      answer: {
        error: {
          code: 'origin_not_allowed',
          message: expect.stringContaining('"allowedOrigins": ["https://evil.example"]'),
        },
      },
    };
    await expect(exchange(endpoint, OPEN, headers)).rejects.toMatchObject(refusal);
    const response = await fetch(`${endpoint}?path=demo/x`, { headers });
    expect(response.status).toBe(403);
    const upgrade = await new Promise<number>((resolve) => {
      const socket = new WebSocket(endpoint.replace('http', 'ws'), { headers });
      socket.on('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
      socket.on('error', () => {}); // told through the response
    });
    expect(upgrade).toBe(403);
    await undisturbed();
  });

  it('on the same loopback host may use another port, and get CORS', async () => {
    const response = await fetch(endpoint, {
      method: 'OPTIONS',
      headers: { Origin: 'http://127.0.0.1:9', 'Access-Control-Request-Method': 'POST' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://127.0.0.1:9');
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });
});

describe('paths that nobody grants', () => {
  it('are refused with not_granted after the wait, all in one frame', async () => {
    const wire = await openEventStream(endpoint, {
      ...OPEN,
      paths: [{ path: 'private/a' }, { path: 'private/b' }],
    });
    await wire.until('pending', (frame) => frame['type'] === 'pending');
    const refused = await wire.until('refused', (frame) => frame['type'] === 'refused');
    expect(refused['paths']).toMatchObject([
      { path: 'private/a', code: 'not_granted' },
      { path: 'private/b', code: 'not_granted' },
    ]);
    wire.cut();
  });

  it('cannot be read by a raw stream', async () => {
    const response = await fetch(`${endpoint}?path=private/a`);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'not_granted' } });
  });
});

describe('addresses that look like patterns', () => {
  it.each(['/:a((((', '/:a(^(b+)+$)', '/*/b', '/%'])(
    '%s is not found, and no fault of the server',
    async (path) => {
      const text = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(text).toContain('404');
      expect(text).toContain('not_found');
    },
  );
});

describe('the state folder', () => {
  it('is nobody else’s to read', () => {
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(stateDir, 'ticket-secrets.json')).mode & 0o777).toBe(0o600);
  });
});
