/**
 * kill -9 under a hundred connected clients on all three transports, with updates going on: each comes back by itself, without asking the back end, is
 * told of exactly one gap, and misses and doubles nothing after its `subscribed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Pomona } from '../../client/src/index.js';
import { type AllowingBackEnd, openPomona, startBackEnd } from './allowing-back-end.js';
import { eventually, type ServerProcess, startServer } from './server-process.js';

const CLIENTS = 100;
const KEY = 'a-key-of-the-tests-0123456789';
const PATH = 'private/news';

interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** What one client saw, in order. */
interface Client {
  readonly pomona: Pomona;
  readonly transport: string;
  readonly ids: string[];
  readonly subscribed: (Position | null)[];
  readonly gaps: string[];
  readonly heard: { readonly seq: number; readonly position: Position | null }[];
}

let stateDir: string;
let server: ServerProcess;
let backEnd: AllowingBackEnd;
const clients: Client[] = [];

async function api(method: string, body: object): Promise<unknown> {
  const response = await fetch(`${server.url}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} was answered ${response.status}`);
  return response.json();
}

const start = (port: number): Promise<ServerProcess> =>
  startServer(['--port', String(port), '--state-dir', stateDir, '--log-level', 'warn'], {
    DOBBY_API_KEY: KEY,
  });

function connectClient(index: number): Client {
  const { pomona, transport } = openPomona(index, { url: server.url, connectUrl: backEnd.connectUrl });
  const client: Client = { pomona, transport, ids: [], subscribed: [], gaps: [], heard: [] };
  pomona.on('id', (id) => client.ids.push(id));
  pomona.on('subscribed', ({ position }) => client.subscribed.push(position));
  pomona.on('gap', ({ reason }) => client.gaps.push(reason));
  pomona.connect(PATH, (message, { position }) => client.heard.push({ seq: Number(message), position }));
  return client;
}

/** Publishes one update after another until it is stopped; those that were accepted are listed with their positions. */
function publishOn(): { accepted: { seq: number; position: Position }[]; stop: () => Promise<void> } {
  const accepted: { seq: number; position: Position }[] = [];
  let isOn = true;
  const done = (async () => {
    for (let seq = 1; isOn; seq++) {
      try {
        const { position } = (await api('update', { path: PATH, message: seq })) as { position: Position };
        accepted.push({ seq, position });
      } catch {
        // the server is away: nobody was told that this one was accepted
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    accepted,
    stop() {
      isOn = false;
      return done;
    },
  };
}

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-kill-'));
  server = await start(0);
  backEnd = await startBackEnd((body) => api('connect', body));
});

afterAll(async () => {
  for (const { pomona } of clients) pomona.close();
  await server.kill('SIGKILL');
  await backEnd.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

it(`after kill -9 ${CLIENTS} clients are subscribed again by themselves, and miss and double nothing after it`, async () => {
  for (let i = 0; i < CLIENTS; i++) clients.push(connectClient(i));
  await eventually(
    () => clients.every(({ subscribed }) => subscribed.length === 1),
    () => `${clients.filter(({ subscribed }) => subscribed.length === 0).length} clients were not subscribed`,
  );
  const publishing = publishOn();
  // Tickets with the grants follow within a second; a timer of the server may be 250 ms late.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const requestsBefore = backEnd.requests;
  const { port } = server;
  await server.kill('SIGKILL');
  server = await start(port);
  // Pomona tells `subscribed` once; that the path is heard again is told by the gap, and shown by what follows.
  await eventually(
    () => clients.every(({ gaps }) => gaps.length === 1),
    () =>
      clients
        .filter(({ gaps }) => gaps.length < 1)
        .map(({ transport, pomona }) => `${transport} ${pomona.state}`)
        .join(', '),
  );
  const isOfNewEpoch = ({ position }: { position: Position }): boolean =>
    position.epoch === publishing.accepted.at(-1)?.position.epoch;
  await eventually(
    () => publishing.accepted.filter(isOfNewEpoch).length > 20,
    () => `only ${publishing.accepted.filter(isOfNewEpoch).length} updates were accepted after the start`,
  );
  await publishing.stop();
  const last = publishing.accepted.at(-1)?.seq ?? 0;
  await eventually(
    () => clients.every(({ heard }) => heard.at(-1)?.seq === last),
    () =>
      `${clients.filter(({ heard }) => heard.at(-1)?.seq !== last).map(({ transport }) => transport)} did not hear the last update`,
  );

  const newEpoch = publishing.accepted.at(-1)?.position.epoch;
  const afterwards = publishing.accepted.filter(isOfNewEpoch).map(({ seq }) => seq);
  for (const { heard, ids, gaps, subscribed } of clients) {
    expect(ids).toHaveLength(1);
    expect(gaps).toEqual(['restarted']);
    const seqs = heard.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    // Before the kill: everything from `subscribed` up to the last that was heard.
    const before = heard
      .filter(({ position }) => position?.epoch !== newEpoch)
      .map(({ position }) => position?.offset);
    expect(before).toEqual(
      Array.from({ length: before.length }, (_, i) => (subscribed[0]?.offset ?? 0) + i + 1),
    );
    expect(heard.filter(({ position }) => position?.epoch === newEpoch).map(({ seq }) => seq)).toEqual(
      expect.arrayContaining(afterwards),
    );
  }
  expect(backEnd.requests).toBe(requestsBefore);
  expect(requestsBefore).toBe(CLIENTS);
});
