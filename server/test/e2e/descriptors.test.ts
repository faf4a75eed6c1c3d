/** A server that may open few descriptors, and a client that takes all it can: the API answers, and a stop hands everything over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWebSocket, type TestWire } from '../transports/wires.js';

const KEY = 'a-key-of-the-tests-0123456789';
const MAIN = join(import.meta.dirname, '../../bin/dobby.mjs');
const OPEN = { type: 'open', protocol: 1 };

let stateDir: string;
let child: ChildProcess;
let log = '';
let url: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-descriptors-'));
  const command = `ulimit -n 300 && exec "${process.execPath}" "${MAIN}" --port 0 --state-dir "${stateDir}" --public 'demo/{name*}'`;
  child = spawn('sh', ['-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DOBBY_API_KEY: KEY },
  });
  log = '';
  url = await new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      log += String(chunk);
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(log) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${log}`)));
  });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(stateDir, { recursive: true });
});

/** Opens sockets that say nothing. */
async function takeAll(count: number): Promise<void> {
  const { hostname, port } = new URL(url);
  await Promise.all(
    Array.from({ length: count }, () => {
      const socket = netConnect(Number(port), hostname);
      sockets.push(socket);
      socket.on('error', () => undefined);
      return new Promise((resolve) => {
        socket.once('connect', resolve);
        socket.once('close', resolve);
      });
    }),
  );
}

async function api(
  method: string,
  body: object,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(`${url}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

describe('a server with 300 descriptors', () => {
  it('answers kick and update, and hands over at a stop, with 400 silent sockets; a client gets in', async () => {
    const wire = await openWebSocket(`${url}/comet`, { ...OPEN, paths: [{ path: 'demo/a' }] });
    await takeAll(400);
    expect((await api('update', { path: 'demo/a', message: 'still' })).status).toBe(200);
    expect((await wire.until('the update', ({ message }) => message === 'still'))['path']).toBe('demo/a');
    expect(await api('kick', { user: 'ann' })).toEqual({
      status: 200,
      answer: { kicked: false, sessions: 0 },
    });
    const late = await openWebSocket(`${url}/comet`, OPEN);
    expect(await api('kick', { id: late.opened['id'] })).toMatchObject({
      status: 200,
      answer: { sessions: 1 },
    });
    expect(log).toContain('ulimit -n');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    expect(existsSync(join(stateDir, 'handoff'))).toBe(true);
    expect(readFileSync(join(stateDir, 'handoff'), 'utf8')).toContain('still');
  }, 30_000);

  it('keeps a part for the API when clients with sessions take all they can', async () => {
    const wires: TestWire[] = [];
    let refused: unknown = null;
    for (let i = 0; i < 400 && refused === null; i++) {
      await openWebSocket(`${url}/comet`, OPEN).then(
        (wire) => wires.push(wire),
        (error: unknown) => {
          refused = error;
        },
      );
      const last = wires.at(-1);
      if (last?.opened['type'] !== 'opened') refused = last?.opened;
    }
    expect(JSON.stringify(refused)).toContain('too_many_connections');
    expect((await api('update', { path: 'demo/a', message: 1 })).status).toBe(200);
    expect((await api('kick', { user: 'ann' })).status).toBe(200);
    for (const wire of wires) wire.cut();
  }, 30_000);
});
