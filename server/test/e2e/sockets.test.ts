/** Sockets of clients that behave badly at the end: the server's own end of each goes, whatever the client does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';

const KEY = 'a-key-of-the-tests-0123456789';

let dobby: Dobby;
let url: string;
let stateDir: string;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-sockets-'));
  dobby = createDobby({ port: 0, stateDir, apiKey: KEY, logLevel: 'silent' });
  url = await dobby.start();
});

afterAll(async () => {
  await dobby.stop();
  rmSync(stateDir, { recursive: true });
});

/** Whether the server, which runs in this process, still has its end of a client's socket. */
function isHeld(client: Socket): boolean {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): Partial<Socket>[] };
  return handles().some(({ remotePort }) => remotePort === client.localPort);
}

describe('sockets', () => {
  it.each([
    [
      'a refused handshake',
      'GET /comet HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    ],
    ['what is not HTTP', 'HELLO\r\n\r\n'],
  ])('of %s are gone soon, though the client keeps its end open', async (_what, bytes) => {
    const { hostname, port } = new URL(url);
    const socket = netConnect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.write(bytes);
    socket.resume();
    await new Promise((resolve) => socket.once('end', resolve));
    const deadline = Date.now() + 5_000;
    while (isHeld(socket) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isHeld(socket)).toBe(false);
    socket.destroy();
  });

  it('of event streams that read no more are destroyed when they have stalled', {
    timeout: 40_000,
  }, async () => {
    const stalling = createDobby({
      port: 0,
      stateDir: tempFolder(),
      apiKey: KEY,
      public: ['demo/{name*}'],
      logLevel: 'silent',
      stallMs: 1_000,
    });
    const base = new URL(await stalling.start());
    const socket = netConnect(Number(base.port), base.hostname);
    socket.write(`GET /comet?path=demo/stall HTTP/1.1\r\nHost: ${base.host}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const message = 'x'.repeat(60_000);
    const deadline = Date.now() + 30_000;
    while (stalling.info.connections > 0 && Date.now() < deadline) {
      await stalling.update('demo/stall', message);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(stalling.info.connections).toBe(0);
    // The client still reads nothing: the server's end must go all the same.
    while (isHeld(socket) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isHeld(socket)).toBe(false);
    socket.on('error', () => {}); // a reset is what is wanted
    socket.destroy();
    await stalling.stop();
  });

  it('of refused clients do not hinder a stop', async () => {
    const other = createDobby({ port: 0, stateDir: tempFolder(), apiKey: KEY, logLevel: 'silent' });
    const { hostname, port } = new URL(await other.start());
    const socket = netConnect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.on('error', () => {}); // a reset is what is wanted
    socket.write('HELLO\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    await other.stop();
    socket.destroy();
  });
});
