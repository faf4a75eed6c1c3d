/** A server that is killed: the next one knows that its states may be partial, until the back end says otherwise. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const KEY = 'a-key-of-the-tests-0123456789';
const MAIN = join(import.meta.dirname, '../../bin/dobby.mjs');

let stateDir: string;
let child: ChildProcess;
let url: string;

async function start(): Promise<void> {
  child = spawn(process.execPath, [MAIN, '--port', '0', '--state-dir', stateDir], {
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
