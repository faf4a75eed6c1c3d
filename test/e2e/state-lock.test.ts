/** Real servers that want the same state folder. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { end, eventually, type ServerProcess, spawnServer, startServer } from './server-process.js';

const running: ServerProcess[] = [];
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => end(child, 'SIGKILL')));
  await Promise.all(running.splice(0).map((server) => server.kill('SIGKILL')));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function stateDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-lock-'));
  folders.push(folder);
  return join(folder, 'state');
}

async function start(folder: string): Promise<ServerProcess> {
  const server = await startServer(['--port', '0', '--state-dir', folder]);
  running.push(server);
  return server;
}

/** A server that is expected not to start: its exit code and what it said. */
function attempt(folder: string): {
  child: ChildProcess;
  ended: Promise<{ code: number | null; said: string }>;
} {
  const child = spawnServer(['--port', '0', '--state-dir', folder]);
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  return { child, ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, said }))) };
}

it('a second server is refused after 5 s, and the message names the first', async () => {
  const folder = stateDir();
  const first = await start(folder);
  const startedAt = Date.now();
  const { code, said } = await attempt(folder).ended;
  expect(code).toBe(1);
  expect(said).toMatch(
    /^dobby: the state folder ".*" is in use by another Dobby \(process \d+\): stop it, or .*--state-dir/,
  );
  expect(Date.now() - startedAt).toBeGreaterThan(4_500);
  expect((await fetch(`${first.url}/health`)).status).toBe(200);
});

it('a server that starts while the one before stops waits for it, and takes over what it knew', async () => {
  const folder = stateDir();
  const first = await start(folder);
  const next = start(folder);
  await first.kill('SIGTERM');
  expect((await fetch(`${(await next).url}/health`)).status).toBe(200);
});

it('a server starts at once after one that was killed', async () => {
  const folder = stateDir();
  await (await start(folder)).kill('SIGKILL');
  await start(folder);
});

it('of two that start at once, on a new folder, one runs', async () => {
  const folder = stateDir();
  const both = [attempt(folder), attempt(folder)];
  const { code, said } = await Promise.race(both.map(({ ended }) => ended));
  expect(code).toBe(1);
  expect(said).toContain('in use by another Dobby');
  const [left] = both.filter(({ child }) => child.exitCode === null);
  expect(readdirSync(folder).filter((name) => /lock|new$/.test(name))).toEqual(['lock']);
  if (left !== undefined) expect(await end(left.child, 'SIGTERM')).toBe(0);
  await eventually(
    () => !readdirSync(folder).includes('lock'),
    () => 'the end of the lock',
  );
});
