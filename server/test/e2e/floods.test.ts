/** Clients that send very much: they wait for themselves, and are closed when it is too much; others are served meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sender, WebSocket } from 'ws';
import { createDobby, type Dobby } from '../../src/index.js';
import { exchange, openEventStream, openWebSocket } from '../transports/wires.js';

declare module 'ws' {
  /** Exported by the library, but missing in its types. */
  const Sender: { frame(data: Buffer, options: object): Buffer[] };
}

const OPEN = { type: 'open', protocol: 1 };
const FLOODED = 4010;

let dobby: Dobby;
let url: string;
let endpoint: string;
let stateDir: string;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-floods-'));
  dobby = createDobby({ port: 0, stateDir, public: ['demo/{name*}'], logLevel: 'silent' });
  url = await dobby.start();
  endpoint = `${url}/comet`;
});

afterAll(async () => {
  await dobby.stop();
  rmSync(stateDir, { recursive: true });
});

/** A frame as it travels from a client. */
const masked = (text: string, opcode = 1): Buffer =>
  Buffer.concat(
    Sender.frame(Buffer.from(text), { fin: true, opcode, mask: true, readOnly: false, rsv1: false }),
  );

/** A WebSocket that is open, and its socket, to which bytes are written past the library. */
async function opened(): Promise<{
  socket: WebSocket;
  raw: Socket;
  texts: string[];
  closed: Promise<number>;
}> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'));
  const texts: string[] = [];
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.on('open', resolve));
  socket.on('message', (data) => texts.push(String(data)));
  socket.send(JSON.stringify(OPEN));
  await new Promise((resolve) => socket.once('message', resolve));
  const { _socket: raw } = socket as unknown as { _socket: Socket };
  return { socket, raw, texts, closed };
}

const many = (count: number, frame: (n: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => frame(i + 1)));

const unsubscribe = (n: number): Buffer =>
  masked(JSON.stringify({ type: 'unsubscribe', n, paths: ['demo/x'] }));

describe('a WebSocket that sends very many frames', () => {
  it.each([
    ['pong frames', () => masked('{"type":"pong"}')],
    ['frames that are refused', () => masked('{}')],
    ['pings of the WebSocket itself', () => masked('', 9)],
    ['pongs of the WebSocket itself', () => masked('', 10)],
  ])('is closed as flooded: %s', async (_, frame) => {
    const { raw, closed } = await opened();
    raw.on('error', () => undefined);
    raw.write(many(20_000, frame));
    expect([FLOODED, 1006]).toContain(await closed);
    expect(dobby.info.connections).toBe(0);
  });

  it('hears why', async () => {
    const { raw, texts, closed } = await opened();
    raw.write(many(2_001, () => masked('{"type":"pong"}')));
    expect(await closed).toBe(FLOODED);
    expect(JSON.parse(texts.at(-1) ?? '')).toMatchObject({
      type: 'closing',
      code: FLOODED,
      reconnectAfterMs: 5_000,
    });
  });

  it('is answered a helping a turn, in order: another one has its answer before', async () => {
    const innocent = await openWebSocket(endpoint, OPEN);
    const { raw, texts } = await opened();
    const count = 1_500;
    raw.write(many(count, unsubscribe));
    await dobby.update('demo/x', 1);
    while (texts.length === 0) await new Promise(setImmediate);
    await innocent.send({ type: 'unsubscribe', n: 1, paths: ['demo/y'] });
    await innocent.until('the answer', ({ type }) => type === 'unsubscribed');
    expect(texts.length).toBeLessThan(count);
    while (texts.length < count) await new Promise(setImmediate);
    innocent.cut();
  });

  it('that are as many as its subscriptions is not', async () => {
    const { socket, raw, texts } = await opened();
    const subscribe = (n: number): Buffer =>
      masked(JSON.stringify({ type: 'subscribe', n, paths: [{ path: `demo/${n}` }] }));
    raw.write(many(1_000, subscribe));
    // A frame may tell of several paths.
    const heard = (): number =>
      texts.reduce(
        (sum, text) => sum + (text.includes('"subscribed"') ? text.split('"path":').length - 1 : 0),
        0,
      );
    while (heard() < 1_000 && socket.readyState === socket.OPEN) await new Promise(setImmediate);
    expect(heard()).toBe(1_000);
    socket.terminate();
  });
});

describe('posted frames that are very many', () => {
  it('close the connection as flooded, and the request says so', async () => {
    const wire = await openEventStream(endpoint, OPEN);
    const frames = Array.from({ length: 100 }, () => ({ type: 'pong' }));
    const body = { type: 'send', ticket: wire.opened['ticket'], connection: 1, frames };
    for (let i = 0; i < 20; i++) await exchange(endpoint, body);
    await expect(exchange(endpoint, body)).rejects.toMatchObject({
      status: 503,
      answer: { error: { code: 'too_many_frames', close: FLOODED } },
    });
    expect(await wire.closed).toBe(FLOODED);
  });
});

/** Writes bytes, and resolves with what comes back until the server ends the connection. */
function answered(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = netConnect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('requests that come without waiting for answers', () => {
  it('are answered as far as they are few', async () => {
    const request = 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n';
    const text = await answered(
      `${request.repeat(2)}GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(3);
  });

  it('end the connection when they are many: few of them are worked for', async () => {
    const text = await answered('GET /health HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000));
    expect(text.match(/HTTP\/1.1 200/g)?.length ?? 0).toBeLessThan(20);
    expect(text).toContain('too_many_requests');
  });
});
