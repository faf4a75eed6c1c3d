import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Pomona, WebSocketConstructor } from '../../src/index.js';
import { json, opened, pomonaOn, serve, until } from './support.js';

const Constructor = WebSocket as unknown as WebSocketConstructor;
const stops: (() => void)[] = [];
const track = (pomona: Pomona): Pomona => {
  stops.push(() => pomona.close());
  return pomona;
};
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

it('carries frames both ways, one text message each, and says farewell', async () => {
  const { server, url, stop } = await serve(({ response }) => json(response, {}, 500));
  stops.push(stop);
  const received: unknown[] = [];
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      received.push(frame);
      if (frame.type !== 'open') return;
      socket.send(JSON.stringify(opened()));
      socket.send(JSON.stringify({ type: 'subscribed', paths: [{ path: 'a', position: null }] }));
      socket.send(JSON.stringify({ path: 'a', message: 'é🐱' }));
    }),
  );
  const pomona = track(pomonaOn(url, { WebSocket: Constructor }));
  const message = await new Promise((resolve) => pomona.connect('a', resolve));
  expect([message, pomona.transport, pomona.id]).toEqual(['é🐱', 'websocket', 'one']);
  pomona.connect('b', () => {});
  await until('the subscribe frame', () => received.length === 2);
  pomona.close();
  await until('the farewell', () => received.length === 3);
  expect(received).toEqual([
    { type: 'open', protocol: 1, attempt: 1, paths: [{ path: 'a' }] },
    { type: 'subscribe', n: 1, paths: [{ path: 'b' }] },
    { type: 'close' },
  ]);
});

it('comes back with the ticket when the socket is cut', async () => {
  const { server, url, stop } = await serve(({ response }) => json(response, {}, 500));
  stops.push(stop);
  const opens: Record<string, unknown>[] = [];
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (data) => {
      opens.push(JSON.parse(String(data)));
      socket.send(JSON.stringify(opened({ resumed: opens.length > 1, connection: opens.length })));
      if (opens.length === 1) setImmediate(() => socket.terminate());
    }),
  );
  track(pomonaOn(url, { WebSocket: Constructor }));
  await until('the second opening', () => opens.length === 2);
  expect(opens.map(({ ticket }) => ticket)).toEqual([undefined, 'ticket-1']);
});

it('falls back at once where a proxy strips the upgrade', async () => {
  const { server, url, stop } = await serve(({ request, response }) => {
    if (request.headers.accept !== 'text/event-stream') return json(response, {}, 400);
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify(opened())}\n\n`);
  });
  server.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n'),
  );
  stops.push(stop);
  const pomona = track(pomonaOn(url, { WebSocket: Constructor }));
  await until('the event stream', () => pomona.transport === 'event-stream');
});

it('is left out where there is no constructor', async () => {
  const { url, stop } = await serve(({ response }) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify(opened())}\n\n`);
  });
  stops.push(stop);
  if (globalThis.WebSocket !== undefined) return; // Node 22 and later have one
  const pomona = track(pomonaOn(url));
  await until('the event stream', () => pomona.transport === 'event-stream');
});

it('is left within a moment where its error is followed by no close, as where the policy of the page forbids it', async () => {
  const { url, stop } = await serve(({ response, body }) => {
    if (body['type'] === 'open') json(response, { updates: [opened()], reconnectWith: 'one/1' });
  });
  stops.push(stop);
  class Forbidden {
    onopen = null;
    onmessage = null;
    onclose = null;
    onerror: ((event: never) => void) | null = null;
    constructor() {
      setTimeout(() => this.onerror?.({} as never));
    }
    send(): void {}
    close(): void {}
  }
  const since = performance.now();
  const transports = ['websocket', 'long-poll'] as const;
  const pomona = track(pomonaOn(url, { WebSocket: Forbidden, transports, openTimeoutMs: 4_000 }));
  await until('long-poll', () => pomona.transport === 'long-poll');
  expect(performance.now() - since).toBeLessThan(2_000);
});
