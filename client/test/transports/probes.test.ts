/** A transport that is probed proves that it carries frames both ways before it asks for the `open` frame. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createDobby, type Dobby } from '../../../server/src/index.js';
import { tempFolder } from '../../../server/test/support/temp-folder.js';
import { systemClock } from '../../src/clock.js';
import { eventStream } from '../../src/transports/event-stream.js';
import { longPoll } from '../../src/transports/long-poll.js';
import type {
  TransportContext,
  TransportKind,
  WebSocketConstructor,
} from '../../src/transports/transport.js';
import { websocket } from '../../src/transports/websocket.js';
import { json, serve, until } from './support.js';

let dobby: Dobby;
let url: string;
const stops: (() => void)[] = [];

beforeAll(async () => {
  dobby = createDobby({ port: 0, stateDir: tempFolder(), logLevel: 'silent' });
  url = `${await dobby.start()}/comet`;
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
afterAll(() => dobby.stop());

/** Opens a transport as a probe; `asked` counts the times that it asked for the `open` frame. */
function probe(kind: TransportKind, endpoint: string) {
  const seen = { asked: 0, frames: [] as unknown[], end: null as unknown };
  const context: TransportContext = {
    httpUrl: endpoint,
    socketUrl: endpoint.replace('http', 'ws'),
    fetch: (input, init) => fetch(input, init),
    WebSocket: WebSocket as unknown as WebSocketConstructor,
    credentials: 'same-origin',
    clock: systemClock,
    random: Math.random,
    isProbe: true,
    firstFrame: () => {
      seen.asked++;
      return '{"type":"open","protocol":1}';
    },
    session: () => ({ ticket: '', connection: 1 }),
    heard: () => undefined,
    frame: (value) => seen.frames.push(value),
    accepted: () => undefined,
    ended: (end) => {
      seen.end = end;
    },
  };
  const transport = kind.open(context);
  stops.push(() => transport.close(false));
  return seen;
}

describe.each([websocket, eventStream, longPoll])('$name', (kind) => {
  it('that carries frames both ways opens after a second', async () => {
    const since = performance.now();
    const seen = probe(kind, url);
    await until('opened', () => seen.frames.length > 0);
    expect(seen.frames[0]).toMatchObject({ type: 'opened' });
    expect([seen.asked, performance.now() - since > 900]).toEqual([1, true]);
  });
});

it('a WebSocket whose second answer never comes asks for nothing', async () => {
  const { server, url: endpoint, stop } = await serve(({ response }) => json(response, {}, 500));
  stops.push(stop);
  const steps: unknown[] = [];
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (data) => {
      steps.push(JSON.parse(String(data)));
      if (steps.length === 1) socket.send('{"type":"probed","step":1}');
    }),
  );
  const seen = probe(websocket, endpoint);
  await until('step 2', () => steps.length === 2);
  expect([steps, seen.asked]).toEqual([
    [
      { type: 'probe', step: 1 },
      { type: 'probe', step: 2 },
    ],
    0,
  ]);
});

describe('an event stream', () => {
  const stream = (events: (write: (step: number) => void, end: () => void) => void) =>
    serve(({ request, response }) => {
      if (!request.headers.accept?.includes('event-stream'))
        return json(response, { type: 'probed', step: 2 });
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      events(
        (step) => response.write(`data: {"type":"probed","step":${step}}\n\n`),
        () => response.end(),
      );
    });

  it('that a proxy buffers asks for nothing: both steps come together', async () => {
    const { url: endpoint, stop } = await stream((write, end) => {
      write(1);
      write(2);
      end();
    });
    stops.push(stop);
    const seen = probe(eventStream, endpoint);
    await until('the end', () => seen.end !== null);
    expect([seen.asked, String(seen.end)]).toEqual([0, expect.stringContaining('probe failed')]);
  });

  it('beside which POSTs do not pass asks for nothing', async () => {
    const server = createServer((request, response) => {
      if (!request.headers.accept?.includes('event-stream')) return void response.writeHead(502).end();
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: {"type":"probed","step":1}\n\n');
      setTimeout(() => response.write('data: {"type":"probed","step":2}\n\n'), 600);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stops.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const seen = probe(eventStream, `http://127.0.0.1:${(server.address() as AddressInfo).port}/comet`);
    await until('the end', () => seen.end !== null);
    expect([seen.asked, String(seen.end)]).toEqual([0, expect.stringContaining('502')]);
  });
});
