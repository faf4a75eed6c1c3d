/** States over a real Dobby, on every transport, and as pages load them from it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createDobby, type Dobby } from '../../../server/src/index.js';
import type { Pomona, WebSocketConstructor } from '../../src/index.js';
import { withState } from '../../src/state/index.js';
import { eventStream } from '../../src/transports/event-stream.js';
import { longPoll } from '../../src/transports/long-poll.js';
import { websocket } from '../../src/transports/websocket.js';
import { cuttable, pomonaOn, until } from '../transports/support.js';

const stateDir = mkdtempSync(join(tmpdir(), 'pomona-state-'));
let dobby: Dobby;
let url: string;
const pomonas: Pomona[] = [];

beforeAll(async () => {
  dobby = createDobby({
    port: 0,
    stateDir,
    public: ['{name*}'],
    paths: [
      { pattern: 'short/{name*}', log: { maxUpdates: 2 } },
      { pattern: 'stateless/{name*}', state: false },
    ],
    logLevel: 'error',
  });
  url = await dobby.start();
});
afterEach(() => {
  for (const pomona of pomonas.splice(0)) pomona.close();
});
afterAll(async () => {
  await dobby.stop();
  rmSync(stateDir, { recursive: true });
});

describe.each([websocket, eventStream, longPoll])('a state over $name', (kind) => {
  const start = () => {
    const network = cuttable(kind);
    const pomona = withState(
      pomonaOn(`${url}/comet`, {
        transports: [network.transport],
        WebSocket: WebSocket as unknown as WebSocketConstructor,
      }),
    );
    pomonas.push(pomona);
    return { pomona, cut: network.cut, network };
  };

  it('comes whole, changes, and is whole again after a cut without another snapshot', async () => {
    const path = `contacts/${kind.name}`;
    const { pomona, cut } = start();
    const large = 'x'.repeat(20_000); // so that the snapshot comes in parts
    for (const key of ['a', 'b', 'c', 'd']) await dobby.update(path, large, { key });
    const heard: unknown[] = [];
    const contacts = pomona.connect(
      path,
      (_, { key }) => heard.push([key, contacts.entries.has(String(key))]),
      {
        state: true,
      },
    );
    let snapshots = 0;
    contacts.on('snapshot', () => snapshots++);
    await until('the snapshot', () => contacts.hasSnapshot);
    expect([...contacts.entries.keys()]).toEqual(['a', 'b', 'c', 'd']);
    await dobby.update(path, 1, { key: 'e' });
    await dobby.update(path, null, { key: 'a' });
    await until('the removal', () => !contacts.entries.has('a'));
    cut();
    await dobby.update(path, 2, { key: 'b' });
    await dobby.update(path, 3, { key: 'f' });
    await until('what was missed', () => contacts.entries.has('f'));
    expect([...contacts.entries]).toEqual([
      ['c', large],
      ['d', large],
      ['e', 1],
      ['b', 2],
      ['f', 3],
    ]);
    expect(heard).toEqual([
      ['e', true],
      ['a', false],
      ['b', true],
      ['f', true],
    ]);
    expect(snapshots).toBe(1);
  });

  it('comes anew after a gap', async () => {
    const path = `short/${kind.name}`;
    const { pomona, cut, network } = start();
    await dobby.update(path, 0, { key: 'gone' });
    const events: unknown[] = [];
    const contacts = pomona.connect(path, (message) => events.push(message), { state: true });
    contacts.on('gap', () => events.push('gap'));
    contacts.on('snapshot', ({ entries }) => events.push(Object.fromEntries(entries)));
    await until('the snapshot', () => contacts.hasSnapshot);
    network.isDown = true;
    cut();
    const before = dobby.info.updates;
    await dobby.update(path, null, { key: 'gone' });
    for (const n of [1, 2, 3, 4]) await dobby.update(path, n, { key: `k${n}` });
    await until('the updates', () => dobby.info.updates === before + 5);
    network.isDown = false;
    await until('the other snapshot', () => events.length === 3);
    await dobby.update(path, 5, { key: 'k5' });
    await until('the change', () => events.length === 4);
    expect(events).toEqual([{ gone: 0 }, 'gap', { k1: 1, k2: 2, k3: 3, k4: 4 }, 5]);
  });

  it('comes to a path that was heard without it, and is let go by the last', async () => {
    const path = `plain/${kind.name}`;
    const { pomona } = start();
    const heard: unknown[] = [];
    const plain = pomona.connect(path, (message) => heard.push(message));
    plain.on('gap', () => heard.push('gap'));
    await plain.ready;
    await dobby.update(path, 1, { key: 'k' });
    await until('the first update', () => heard.length === 1);
    const contacts = pomona.connect(path, () => {}, { state: true });
    await until('the snapshot', () => contacts.hasSnapshot);
    await dobby.update(path, 2, { key: 'l' });
    await until('the second update', () => heard.length === 2);
    expect(Object.fromEntries(contacts.entries)).toEqual({ k: 1, l: 2 });
    contacts.disconnect();
    await dobby.update(path, 3);
    await until('the third update', () => heard.length === 3);
    expect(heard).toEqual([1, 2, 3]);
  });

  it('is refused where there is none, and only to those who follow', async () => {
    const path = `stateless/${kind.name}`;
    const { pomona } = start();
    const heard: unknown[] = [];
    const plain = pomona.connect(path, (message) => heard.push(message));
    const contacts = pomona.connect(path, () => {}, { state: true });
    await expect(contacts.ready).rejects.toMatchObject({ code: 'no_state' });
    await plain.ready;
    await dobby.update(path, 1);
    await until('the update', () => heard.length === 1);
    expect([plain.state, contacts.state]).toEqual(['subscribed', 'refused']);
  });
});

it('is served to pages, as a module of its own that works with the Pomona that is served', async () => {
  const load = async (file: string) => {
    const response = await fetch(`${url}/${file}`);
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(response.headers.get('content-type')).toContain('text/javascript');
    return import(`data:text/javascript,${encodeURIComponent(await response.text())}`);
  };
  const served = (await load('pomona.js')) as typeof import('../../src/index.js');
  const entry = (await load('pomona-state.js')) as typeof import('../../src/state/index.js');
  expect(Object.keys(entry)).toEqual(['withState']);
  await dobby.update('served', 'Ada', { key: '7' });
  const pomona = entry.withState(new served.Pomona({ url: `${url}/comet`, transports: ['event-stream'] }));
  pomonas.push(pomona);
  const contacts = pomona.connect('served', () => {}, { state: true });
  await until('the snapshot', () => contacts.hasSnapshot);
  expect([...contacts.entries]).toEqual([['7', 'Ada']]);
});
