/** A server that is killed: the next one knows that its states may be partial, until the back end says otherwise. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Pomona, type WebSocketConstructor } from '../../../client/src/index.js';
import { withState } from '../../../client/src/state/index.js';

const KEY = 'a-key-of-the-tests-0123456789';
const MAIN = join(import.meta.dirname, '../../bin/dobby.mjs');

let stateDir: string;
let child: ChildProcess;
let url: string;

async function start(port = '0'): Promise<void> {
  const flags = ['--port', port, '--state-dir', stateDir, '--public', '{name*}'];
  child = spawn(process.execPath, [MAIN, ...flags], {
    env: { ...process.env, DOBBY_API_KEY: KEY },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the server ended')));
    child.stdout?.on('data', (chunk: Buffer) => {
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(String(chunk)) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
}

async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

async function api(method: string, body: object): Promise<Record<string, unknown>> {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` };
  const response = await fetch(`${url}/api/${method}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, unknown>;
}

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-crash-'));
  await start();
});

afterEach(async () => {
  await end('SIGKILL');
  rmSync(stateDir, { recursive: true });
});

it('a state is partial after a crash, and whole when the back end says so; an orderly restart changes nothing', async () => {
  await api('update', { path: 'p', key: 'a', message: 1 });
  await api('update', { path: 'p', key: 'b', message: 2 });
  expect(await api('state', { path: 'p' })).not.toHaveProperty('partial');
  await end('SIGTERM');
  await start();
  expect(await api('state', { path: 'p' })).not.toHaveProperty('partial');
  await end('SIGKILL');
  await start();
  await api('update', { path: 'p', key: 'a', message: 3 });
  expect(await api('state', { path: 'p' })).toMatchObject({ partial: true, entries: [{ key: 'a' }] });
  await end('SIGTERM');
  await start();
  expect(await api('state', { path: 'p' })).toMatchObject({ partial: true });
  await api('update', { path: 'p', key: 'b', message: 4 });
  expect(await api('complete', { paths: ['p'] })).toEqual({ completed: 1 });
  expect(await api('state', { path: 'p' })).not.toHaveProperty('partial');
}, 30_000);

it('a server without states has none that are partial after a crash', async () => {
  await api('update', { path: 'p', message: 1 });
  await end('SIGKILL');
  await start();
  expect(await api('state', { path: 'p' })).not.toHaveProperty('partial');
}, 30_000);

it('a page that follows a state learns over a crash that it is partial, and later that it is whole', async () => {
  await api('update', { path: 'p', key: 'a', message: 1 });
  await api('update', { path: 'p', key: 'b', message: 2 });
  const pomona = withState(
    new Pomona({ url: `${url}/comet`, WebSocket: WebSocket as unknown as WebSocketConstructor }),
  );
  onTestFinished(() => pomona.close());
  const followed = pomona.connect('p', () => {}, { state: true });
  const snapshots: unknown[] = [];
  let told = (): void => {};
  followed.on('snapshot', ({ entries, isPartial }) => {
    snapshots.push([Object.fromEntries(entries), isPartial]);
    told();
  });
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      told = resolve;
    });
  await next();
  const { port } = new URL(url);
  await end('SIGKILL');
  await start(port);
  const partial = next();
  await api('update', { path: 'p', key: 'a', message: 3 });
  await partial;
  while (!followed.entries.has('a')) await new Promise((resolve) => setTimeout(resolve, 10));
  expect([followed.isPartial, Object.fromEntries(followed.entries)]).toEqual([true, { a: 3 }]);
  await api('update', { path: 'p', key: 'b', message: 2 });
  const whole = next();
  await api('complete', { paths: ['p'] });
  await whole;
  expect([followed.isPartial, snapshots.at(0), snapshots.at(-1)]).toEqual([
    false,
    [{ a: 1, b: 2 }, false],
    [{ a: 3, b: 2 }, false],
  ]);
}, 30_000);
