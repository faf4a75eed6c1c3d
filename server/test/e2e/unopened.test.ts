/** WebSockets that were upgraded and never opened, or refused: counted, bounded and ended soon, whatever their clients do. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';

let dobby: Dobby;
let url: string;
let stateDir: string;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'dobby-unopened-'));
  dobby = createDobby({ port: 0, stateDir, logLevel: 'silent', pingIntervalMs: 1_000 });
  url = await dobby.start();
});

afterAll(async () => {
  await dobby.stop();
  rmSync(stateDir, { recursive: true });
});

/** A socket that was upgraded, and sends what a test says; it never answers a close frame. */
async function upgraded(text: string | null): Promise<{ socket: Socket; closed: Promise<number> }> {
  const { hostname, port } = new URL(url);
  const socket = netConnect({ port: Number(port), host: hostname, allowHalfOpen: true });
  const begun = Date.now();
  const closed = new Promise<number>((resolve) => {
    socket.once('end', () => resolve(Date.now() - begun));
    socket.once('error', () => resolve(Date.now() - begun));
  });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /comet HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resume();
  if (text !== null) {
    const payload = Buffer.from(text);
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }
  return { socket, closed };
}

/** Resolves when the server has let go of every socket. */
async function allGone(): Promise<void> {
  const deadline = Date.now() + 1_000;
  while (dobby.sockets.size > 0 && Date.now() < deadline) await new Promise(setImmediate);
  expect(dobby.sockets.size).toBe(0);
}

describe('a WebSocket', () => {
  it.each([
    ['whose first frame is refused', '{}'],
    ['whose ticket is forged', '{"type":"open","protocol":1,"ticket":"a.b"}'],
    ['that speaks another version', '{"type":"open","protocol":2}'],
  ])('%s is gone in 3 s, though its client answers no close frame', async (_, text) => {
    const { socket, closed } = await upgraded(text);
    expect(await closed).toBeLessThan(3_000);
    await allGone();
    socket.destroy();
  });

  it('that never opens is counted, and gone in 13 s', async () => {
    const { socket, closed } = await upgraded(null);
    expect([dobby.sockets.size, dobby.sockets.unproven]).toEqual([1, 1]);
    expect(await closed).toBeLessThan(13_000);
    await allGone();
    socket.destroy();
  }, 20_000);

  it('that is open is counted as that of a client', async () => {
    const { socket } = await upgraded('{"type":"open","protocol":1}');
    while (dobby.info.connections === 0) await new Promise(setImmediate);
    expect([dobby.sockets.size, dobby.sockets.unproven]).toEqual([1, 0]);
    socket.destroy();
  });
});
