/** One server after another in the same state folder, in this process: what is handed over, and what is refused meanwhile. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Sessions } from '../../src/core/sessions/sessions.js';
import { type ConfigInput, createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';
import { OPENERS } from '../transports/contract.js';
import { openLongPoll, openWebSocket, Refused } from '../transports/wires.js';

const KEY = 'a-key-of-the-tests-0123456789';
const OPEN = { type: 'open', protocol: 1 };
const running: Dobby[] = [];

async function start(stateDir: string, more: ConfigInput = {}): Promise<{ dobby: Dobby; url: string }> {
  const dobby = createDobby({ port: 0, stateDir, apiKey: KEY, public: ['a'], logLevel: 'silent', ...more });
  running.push(dobby);
  return { dobby, url: await dobby.start() };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: unknown;
}

async function api(url: string, method: string, body: object): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` };
  const answer = await fetch(`${url}/api/${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: await answer.json(),
  };
}

afterEach(() => Promise.all(running.splice(0).map((dobby) => dobby.stop())));

describe('the next server', () => {
  it('goes on in the same epoch, and knows the answers to keys', async () => {
    const stateDir = tempFolder();
    const first = await start(stateDir);
    const request = { path: 'a', message: 1, idempotencyKey: 'k' };
    const { body } = await api(first.url, 'update', request);
    await first.dobby.stop();
    const { dobby, url } = await start(stateDir);
    expect(existsSync(join(stateDir, 'handoff'))).toBe(false);
    expect((await api(url, 'update', request)).body).toEqual({ ...(body as object), repeated: true });
    const { epoch } = (body as { position: { epoch: string } }).position;
    expect(await dobby.update('a', 2)).toEqual({ epoch, offset: 2 });
  });

  it('has the states, however many connections there were to close', async () => {
    const stateDir = tempFolder();
    const first = await start(stateDir);
    const { epoch } = (await first.dobby.update('a', 'kept', { key: 'k' })) ?? {};
    const connections = vi.spyOn(Sessions.prototype, 'connections', 'get').mockReturnValue(100_000);
    await first.dobby.stop();
    connections.mockRestore();
    const { url } = await start(stateDir);
    expect((await api(url, 'state', { path: 'a' })).body).toMatchObject({
      entries: [{ key: 'k', message: 'kept' }],
      position: { epoch, offset: 1 },
    });
  });

  it('has it loaded before a program’s first update, though it does not listen yet', async () => {
    const stateDir = tempFolder();
    const first = await start(stateDir);
    const position = await first.dobby.update('a', 1);
    await first.dobby.stop();
    const dobby = createDobby({ port: 0, stateDir, logLevel: 'silent' });
    running.push(dobby);
    expect(await dobby.update('a', 2)).toEqual({ epoch: position?.epoch, offset: 2 });
  });

  it('finds the handoff although another one could not have the port, or was never started', async () => {
    const stateDir = tempFolder();
    const first = await start(stateDir);
    const position = await first.dobby.update('a', 1);
    await first.dobby.stop();
    const other = await start(tempFolder());
    const port = Number(new URL(other.url).port);
    const failed = createDobby({ port, stateDir, logLevel: 'silent' });
    await expect(failed.start()).rejects.toThrow('EADDRINUSE');
    await failed.stop();
    await createDobby({ port: 0, stateDir, logLevel: 'silent' }).stop();
    const { dobby } = await start(stateDir);
    expect(await dobby.update('a', 2)).toEqual({ epoch: position?.epoch, offset: 2 });
  });

  it('knows of a kick that came after it was made', async () => {
    const stateDir = tempFolder();
    const first = await start(stateDir);
    const wire = await openWebSocket(`${first.url}/comet`, OPEN);
    const next = createDobby({ port: 0, stateDir, logLevel: 'silent' });
    running.push(next);
    await first.dobby.kick(String(wire.opened['id']));
    await first.dobby.stop();
    const { ticket } = wire.opened;
    const again = await openWebSocket(`${await next.start()}/comet`, { ...OPEN, ticket });
    expect(again.opened).toMatchObject({ type: 'opened', resumed: false, refused: 'revoked_ticket' });
  });

  it('starts as after a crash when the handoff is damaged, and the one after that too', async () => {
    const stateDir = tempFolder();
    const first = await start(stateDir);
    const position = await first.dobby.update('a', 1);
    await first.dobby.stop();
    const file = join(stateDir, 'handoff');
    writeFileSync(file, readFileSync(file).subarray(1));
    const { dobby } = await start(stateDir);
    expect(readdirSync(stateDir)).not.toContain('handoff');
    const next = await dobby.update('a', 2);
    expect(next).toMatchObject({ offset: 1 });
    expect(next?.epoch).not.toBe(position?.epoch);
  });
});

describe('a server that stops', () => {
  it('refuses a program what it refuses everybody, at once', async () => {
    const { dobby } = await start(tempFolder());
    const stopping = dobby.stop();
    const refused = { body: { code: 'restarting' } };
    await expect(dobby.update('a', 1)).rejects.toMatchObject(refused);
    await expect(dobby.disconnect('x', ['a'])).rejects.toMatchObject(refused);
    await expect(dobby.kick('x')).rejects.toMatchObject(refused);
    await expect(dobby.connect('x', ['a'])).rejects.toMatchObject(refused);
    await expect(dobby.connectReceiver('x', 'a')).rejects.toMatchObject(refused);
    await stopping;
  });

  it('answers the API 503 until it is gone, and what it accepted is in the handoff', async () => {
    const stateDir = tempFolder();
    const { dobby, url } = await start(stateDir);
    // A client that does not close its socket keeps the server from going too soon.
    await stubborn(`${url}/comet`);
    const answers: number[] = [];
    const calls = Array.from({ length: 20 }, async () => {
      const { status } = await api(url, 'update', { path: 'a', message: 1 });
      answers.push(status);
    });
    await Promise.race(calls);
    const stopping = dobby.stop();
    await Promise.all(calls);
    expect(await api(url, 'update', { path: 'a', message: 1 })).toMatchObject({
      status: 503,
      retryAfter: '1',
    });
    await stopping;
    const accepted = answers.filter((status) => status === 200).length;
    expect([...new Set(answers)].every((status) => status === 200 || status === 503)).toBe(true);
    const next = await start(stateDir);
    expect(await next.dobby.update('a', 2)).toMatchObject({ offset: accepted + 1 });
  });

  it('refuses a request whose body arrives only then', async () => {
    const { dobby, url } = await start(tempFolder());
    await stubborn(`${url}/comet`);
    const body = JSON.stringify({ path: 'a', message: 1 });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /api/update HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    // It has been admitted: that is asked in the turn in which it is told to go on.
    await new Promise((resolve) => socket.once('data', resolve));
    const stopping = dobby.stop();
    socket.write(body);
    expect(String(await new Promise((resolve) => socket.once('data', resolve)))).toContain('HTTP/1.1 503');
    await stopping;
  });

  it.each(Object.entries(OPENERS))('tells a client on %s when to come back', async (_, open) => {
    const { dobby, url } = await start(tempFolder());
    const wire = await open(`${url}/comet`, OPEN);
    const stopping = dobby.stop();
    const closing = await wire.until('closing', ({ type }) => type === 'closing');
    expect(closing).toMatchObject({ code: 4000, reconnectAfterMs: expect.any(Number) });
    expect(closing['reconnectAfterMs']).toBeGreaterThanOrEqual(1_000);
    await stopping;
  });

  it('tells whoever opens a connection then when to come back, and repeats a "send" later', async () => {
    const { dobby, url } = await start(tempFolder());
    await stubborn(`${url}/comet`);
    const poll = await openLongPoll(`${url}/comet`, OPEN);
    const stopping = dobby.stop();
    const late = await openWebSocket(`${url}/comet`, OPEN);
    expect(late.opened).toMatchObject({ type: 'error', code: 'restarting' });
    expect(await late.next()).toMatchObject({ code: 4000, reconnectAfterMs: expect.any(Number) });
    const refused = await poll.send({ type: 'pong' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ status: 503, answer: { error: { code: 'restarting', close: 4000 } } });
    await stopping;
  });
});

it('a POST of a connection from before the restart is not told that another one has its session', async () => {
  const stateDir = tempFolder();
  const first = await start(stateDir);
  const wire = await openLongPoll(`${first.url}/comet`, OPEN);
  await first.dobby.stop();
  const { url } = await start(stateDir);
  const { ticket, connection } = wire.opened;
  for (const body of [
    { type: 'send', ticket, connection, frames: [{ type: 'pong' }] },
    { type: 'poll', ticket, connection, cursor: `${wire.opened['id']}/1` },
  ]) {
    const answer = await fetch(`${url}/comet`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(await answer.json()).toMatchObject({ error: { code: 'unknown_session' } });
  }
  const again = await openLongPoll(`${url}/comet`, { ...OPEN, ticket });
  expect(again.opened).toMatchObject({ resumed: true, connection: 2 });
  again.cut();
});

/** A client that is told that the server closes its WebSocket, and does not answer. */
async function stubborn(endpoint: string): Promise<void> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    `GET /comet HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
}
