/** Commands and messages over a real Dobby, on every transport, and as pages load them from it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createDobby, type Dobby } from '../../../server/src/index.js';
import { withCommands } from '../../src/commands/index.js';
import type { Pomona, WebSocketConstructor } from '../../src/index.js';
import { eventStream } from '../../src/transports/event-stream.js';
import { longPoll } from '../../src/transports/long-poll.js';
import { websocket } from '../../src/transports/websocket.js';
import { cuttable, pomonaOn, until } from '../transports/support.js';

/** What the modules share with the tests: who ran, and what they wait for. */
const shared = { runs: [] as unknown[], gate: Promise.resolve() };
const SHARED = Symbol.for('pomona-commands-test');
Reflect.set(globalThis, SHARED, shared);

const MODULES = {
  'say.js': 'export default { run: (args) => ({ said: args }) };',
  'fail.js': 'export default { run() { throw new Error("broken"); } };',
  'slow.js': `const shared = globalThis[Symbol.for('pomona-commands-test')];
export default { async run(args) { shared.runs.push(args); await shared.gate; return 'done'; } };`,
};

const folder = mkdtempSync(join(tmpdir(), 'pomona-commands-'));
let dobby: Dobby;
let url: string;
const pomonas: Pomona[] = [];

beforeAll(async () => {
  const commands = join(folder, 'commands');
  mkdirSync(commands);
  for (const [file, text] of Object.entries(MODULES)) writeFileSync(join(commands, file), text);
  const stateDir = join(folder, 'state');
  dobby = createDobby({ port: 0, stateDir, public: ['{name*}'], commands, logLevel: 'silent' });
  url = await dobby.start();
});
afterEach(() => {
  for (const pomona of pomonas.splice(0)) pomona.close();
});
afterAll(async () => {
  await dobby.stop();
  rmSync(folder, { recursive: true });
  Reflect.deleteProperty(globalThis, SHARED);
});

/** Calls the API. */
async function api(method: string, body: object): Promise<void> {
  const { ok, status } = await fetch(`${url}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${dobby.apiKey.key}` },
    body: JSON.stringify(body),
  });
  expect(ok, `${method}: ${status}`).toBe(true);
}

describe.each([websocket, eventStream, longPoll])('over $name', (kind) => {
  const start = () => {
    const { transport, cut } = cuttable(kind);
    const socket = WebSocket as unknown as WebSocketConstructor;
    const pomona = withCommands(pomonaOn(`${url}/comet`, { transports: [transport], WebSocket: socket }));
    pomonas.push(pomona);
    return { pomona, cut };
  };

  it('commands are answered, those that were given before there was a connection too', async () => {
    const { pomona } = start();
    const early = pomona.send('chat/7', 'say', { text: 'Hello' });
    expect(await early).toEqual({ said: { text: 'Hello' } });
    const all = await Promise.all(['a', 'b', 'c'].map((text) => pomona.send('chat/7', 'say', text)));
    expect(all).toEqual([{ said: 'a' }, { said: 'b' }, { said: 'c' }]);
  });

  it('commands that fail say why', async () => {
    const { pomona } = start();
    await expect(pomona.send('chat/7', 'fail')).rejects.toMatchObject({ code: 'handler_failed' });
    await expect(pomona.send('chat/7', 'dance')).rejects.toMatchObject({ code: 'unknown_command' });
  });

  it('a command that runs while the connection is cut is done once, and answered', async () => {
    const { pomona, cut } = start();
    let release = (): void => {};
    shared.gate = new Promise((resolve) => {
      release = resolve;
    });
    const reply = pomona.send('chat/7', 'slow', kind.name);
    await until('the run', () => shared.runs.includes(kind.name));
    cut();
    await until('the loss', () => pomona.state !== 'open');
    await until('the return', () => pomona.state === 'open');
    release();
    expect(await reply).toBe('done');
    expect(shared.runs.filter((run) => run === kind.name)).toEqual([kind.name]);
  });

  it('messages to the session and to everybody are heard, once, over a cut', async () => {
    const { pomona, cut } = start();
    const heard: unknown[] = [];
    pomona.onMessage((message, { path }) => heard.push([path, message]));
    await until('the connection', () => pomona.state === 'open');
    await api('send', { sessions: [pomona.id], message: 1 });
    await api('broadcast', { message: 2 });
    await until('the messages', () => heard.length === 2);
    cut();
    await api('send', { sessions: [pomona.id], message: 3 });
    await until('what was missed', () => heard.length === 3);
    await api('broadcast', { message: 4 });
    await until('what is new', () => heard.length === 4);
    const inbox = `::inbox/${pomona.id}`;
    expect(heard.toSorted()).toEqual([
      ['::all', 2],
      ['::all', 4],
      [inbox, 1],
      [inbox, 3],
    ]);
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
  const entry = (await load('pomona-commands.js')) as typeof import('../../src/commands/index.js');
  expect(Object.keys(entry).toSorted()).toEqual(['CommandError', 'withCommands']);
  const pomona = entry.withCommands(new served.Pomona({ url: `${url}/comet`, transports: ['event-stream'] }));
  pomonas.push(pomona);
  expect(await pomona.send('chat/7', 'say')).toEqual({ said: {} });
});
