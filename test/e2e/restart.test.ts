/**
 * SIGTERM under connected clients on all three transports, with updates going on: each comes back to its session by itself in its
 * slot, without asking the back end, is told of no gap, and misses and doubles nothing.
 */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Pomona } from '../../client/src/index.js';
import type { Position } from '../../protocol/positions.js';
import { tempFolder } from '../../server/test/support/temp-folder.js';
import { isLong } from '../size.js';
import { type AllowingBackEnd, openPomona, startBackEnd } from './allowing-back-end.js';
import {
  end as endProcess,
  eventually,
  type ServerProcess,
  spawnServer,
  startServer,
} from './server-process.js';

const CLIENTS = 30;
const RESTARTS = isLong ? 20 : 2;
const TIMEOUT_MS = isLong ? 300_000 : 60_000;
const KEY = 'a-key-of-the-tests-0123456789';
const PATH = 'private/news';

/** What one client saw, in order. */
interface Client {
  readonly pomona: Pomona;
  readonly transport: string;
  readonly ids: string[];
  readonly gaps: string[];
  readonly heard: number[];
  isSubscribed: boolean;
}

let stateDir: string;
let server: ServerProcess;
let backEnd: AllowingBackEnd;
const clients: Client[] = [];

async function api(method: string, body: object): Promise<Response> {
  return fetch(`${server.url}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify(body),
  });
}

const ENVIRONMENT = { DOBBY_API_KEY: KEY };
const flags = (port: number): string[] => [
  ...['--port', String(port), '--state-dir', stateDir, '--log-level', 'warn', '--public', 'open/{name*}'],
];
const start = (port: number): Promise<ServerProcess> => startServer(flags(port), ENVIRONMENT);

function connectClient(index: number): Client {
  const { pomona, transport } = openPomona(index, { url: server.url, connectUrl: backEnd.connectUrl });
  const client: Client = { pomona, transport, ids: [], gaps: [], heard: [], isSubscribed: false };
  pomona.on('id', (id) => client.ids.push(id));
  pomona.on('subscribed', () => {
    client.isSubscribed = true;
  });
  pomona.on('gap', ({ reason }) => client.gaps.push(reason));
  pomona.connect(PATH, (message) => client.heard.push(Number(message)));
  return client;
}

/** Publishes one update after another, each until it is accepted, with its key. */
function publishOn(): { stop: () => Promise<{ last: number; refused: number; repeated: number }> } {
  let isOn = true;
  const counts = { last: 0, refused: 0, repeated: 0 };
  const publish = async (seq: number): Promise<void> => {
    for (;;) {
      const answer = await api('update', { path: PATH, message: seq, idempotencyKey: `key ${seq}` }).catch(
        () => null,
      );
      if (answer?.ok) {
        if (Object.hasOwn((await answer.json()) as object, 'repeated')) counts.repeated++;
        return;
      }
      if (answer !== null) expect(answer.status).toBe(503);
      counts.refused++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const done = (async () => {
    while (isOn) {
      await publish(counts.last + 1);
      counts.last++;
    }
  })();
  return {
    async stop() {
      isOn = false;
      await done;
      return counts;
    },
  };
}

/** Ends the server by signals, each so many milliseconds after the first; how, and after what time. */
async function end(...afterMs: number[]): Promise<{ code: number | null; ms: number }> {
  const started = performance.now();
  const ended = server.kill('SIGTERM');
  for (const ms of afterMs) setTimeout(() => void server.kill('SIGTERM'), ms);
  return { code: await ended, ms: performance.now() - started };
}

beforeEach(async () => {
  stateDir = tempFolder();
  server = await start(0);
});

beforeAll(async () => {
  backEnd = await startBackEnd((body) => api('connect', body));
});

afterAll(async () => {
  await backEnd.stop();
});

afterEach(async () => {
  for (const { pomona } of clients.splice(0)) pomona.close();
  await server.kill('SIGKILL');
});

it(`${RESTARTS} restarts by SIGTERM are noticed by none of ${CLIENTS} clients`, {
  timeout: TIMEOUT_MS,
}, async () => {
  for (let i = 0; i < CLIENTS; i++) clients.push(connectClient(i));
  await eventually(
    () => clients.every(({ isSubscribed }) => isSubscribed),
    () => `${clients.filter(({ isSubscribed }) => !isSubscribed).length} clients were not subscribed`,
  );
  const publishing = publishOn();
  const { port } = server;
  for (let restart = 0; restart < RESTARTS; restart++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { code, ms } = await end();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(2_000);
    server = await start(port);
    const before = clients.map(({ heard }) => heard.length);
    await eventually(
      () => clients.every(({ heard }, i) => heard.length > (before[i] ?? 0)),
      () => clients.map(({ transport, pomona }) => `${transport} ${pomona.state}`).join(', '),
    );
  }
  const { last, refused } = await publishing.stop();
  await eventually(
    () => clients.every(({ heard }) => heard.at(-1) === last),
    () => `${clients.filter(({ heard }) => heard.at(-1) !== last).length} did not hear the last update`,
  );
  expect(refused, 'the server was away').toBeGreaterThan(0);
  for (const { heard, ids, gaps, transport } of clients) {
    const first = heard[0] ?? 0;
    expect(heard, transport).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i));
    expect(first).toBeLessThan(50);
    expect(ids).toHaveLength(1);
    expect(gaps).toEqual([]);
  }
  expect(backEnd.requests).toBe(CLIENTS);
  expect(server.output()).not.toContain('"level"');
  for (const { pomona } of clients.splice(0)) pomona.close();
});

/** Clients that open a WebSocket, hear a path, and read nothing of what comes. */
async function openDeaf(count: number): Promise<void> {
  const { hostname, port } = new URL(server.url);
  for (let i = 0; i < count; i++) {
    const socket = new WebSocket(`ws://${hostname}:${port}/comet`);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ type: 'open', protocol: 1, paths: [{ path: 'open/a' }] }));
    await new Promise((resolve) => socket.once('message', resolve));
    socket.pause();
  }
  // And one that never says anything.
  connect(Number(port), hostname).on('error', () => {});
  for (let i = 0; i < 200; i++) await api('update', { path: 'open/a', message: 'x'.repeat(60_000) });
}

it('a stop takes less than 2 s though clients read nothing', async () => {
  await openDeaf(10);
  const { code, ms } = await end();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(2_000);
});

it('a second signal ends the server at once', async () => {
  await openDeaf(3);
  const { code, ms } = await end(250);
  expect(code).toBe(1);
  expect(ms).toBeLessThan(600);
});

it('a signal that comes twice at once is one', async () => {
  await openDeaf(3);
  expect(await end(0, 1, 50)).toMatchObject({ code: 0 });
  expect(existsSync(join(stateDir, 'handoff'))).toBe(true);
});

it('a signal while the next server loads what was handed over costs nothing', async () => {
  const message = 'x'.repeat(60_000);
  for (let i = 0; i < 300; i++) await api('update', { path: `open/${i}`, message });
  const answer = await api('update', { path: 'open/a', message: 1 });
  const { position } = (await answer.json()) as { position: Position };
  await end();
  const handoff = join(stateDir, 'handoff');
  const child = spawnServer(flags(0), ENVIRONMENT);
  // It is being loaded.
  while (existsSync(handoff) && child.exitCode === null) await new Promise(setImmediate);
  expect(await endProcess(child, 'SIGTERM')).toBe(0);
  expect(existsSync(handoff)).toBe(true);
  server = await start(0);
  const next = await api('update', { path: 'open/a', message: 2 });
  expect(await next.json()).toMatchObject({ position: { epoch: position.epoch, offset: 2 } });
});
