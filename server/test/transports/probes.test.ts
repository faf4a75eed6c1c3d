/** Probes over real sockets: two steps, no session, bounded by address. */
import { type IncomingMessage, request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { LIMITS } from '../../../protocol/limits.js';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';
import { exchange, openWebSocket } from './wires.js';

let dobby: Dobby;
let endpoint: string;
const ends: (() => void)[] = [];

beforeAll(async () => {
  dobby = createDobby({ port: 0, stateDir: tempFolder(), logLevel: 'silent', public: ['{name*}'] });
  endpoint = `${await dobby.start()}/comet`;
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
});
afterAll(() => dobby.stop());

const step = (number: 1 | 2) => ({ type: 'probe', step: number });
const probed = (number: 1 | 2) => ({ type: 'probed', step: number });

/** Posts step 1 as an event stream; gives the events with the time of their coming. */
async function stream() {
  const events: { frame: unknown; at: number }[] = [];
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream' };
    const posting = request(endpoint, { method: 'POST', agent: false, headers }, resolve);
    posting.on('error', reject);
    posting.end(JSON.stringify(step(1)));
    ends.push(() => posting.destroy());
  });
  const both = new Promise<void>((resolve) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      for (const [, json] of chunk.matchAll(/^data: (.*)$/gm))
        events.push({ frame: JSON.parse(json ?? ''), at: performance.now() });
      if (events.length === 2) resolve();
    });
  });
  return { response, events, both };
}

describe('a probe', () => {
  it('of a WebSocket has two steps, a second apart, and then opens there', async () => {
    const wire = await openWebSocket(endpoint, step(1));
    ends.push(() => wire.cut());
    expect(wire.opened).toEqual(probed(1));
    const since = performance.now();
    await wire.send(step(2));
    expect(await wire.next()).toEqual(probed(2));
    expect(performance.now() - since).toBeGreaterThan(900);
    await wire.send({ type: 'open', protocol: 1 });
    expect(await wire.next()).toMatchObject({ type: 'opened', connection: 1 });
  });

  it('of an event stream says both steps as they come and does not end', async () => {
    const { response, events, both } = await stream();
    await both;
    expect(response.headers['content-type']).toContain('text/event-stream');
    expect(events.map(({ frame }) => frame)).toEqual([probed(1), probed(2)]);
    expect((events[1]?.at ?? 0) - (events[0]?.at ?? 0)).toBeGreaterThan(900);
    expect(response.complete).toBe(false);
  });

  it('of long-poll is answered at once, and step 2 a second later', async () => {
    expect(await exchange(endpoint, step(1))).toEqual(probed(1));
    const since = performance.now();
    expect(await exchange(endpoint, step(2))).toEqual(probed(2));
    expect(performance.now() - since).toBeGreaterThan(900);
  });

  it('makes no session and takes none over', async () => {
    const wire = await openWebSocket(endpoint, { type: 'open', protocol: 1 });
    ends.push(() => wire.cut());
    const sessions = dobby.info.sessions;
    const probing = await openWebSocket(endpoint, step(1));
    ends.push(() => probing.cut());
    await stream();
    expect(dobby.info.sessions).toBe(sessions);
    await wire.send({ type: 'subscribe', n: 1, paths: [{ path: 'still/mine' }] });
    expect(await wire.next()).toMatchObject({ type: 'subscribed' });
  });

  it('is one of at most so many of an address at a time, and makes room when it has ended', async () => {
    const sockets = await Promise.all(
      Array.from({ length: LIMITS.probesPerAddress }, () => openWebSocket(endpoint, step(1))),
    );
    ends.push(() => {
      for (const socket of sockets) socket.cut();
    });
    const one = await openWebSocket(endpoint, step(1));
    expect(one.opened).toMatchObject({ type: 'error', code: 'too_many_probes' });
    expect(await one.closed).toBe(4006);
    await expect(exchange(endpoint, step(1))).rejects.toMatchObject({
      status: 503,
      answer: { error: { code: 'too_many_probes', retryable: true } },
    });
    sockets[0]?.cut();
    await expect.poll(() => exchange(endpoint, step(1)).catch(() => null)).toEqual(probed(1));
  });

  it('counts no more once its WebSocket has opened a session', async () => {
    const wires = await Promise.all(
      Array.from({ length: LIMITS.probesPerAddress }, async () => {
        const wire = await openWebSocket(endpoint, step(1));
        await wire.send({ type: 'open', protocol: 1 });
        await wire.until('opened', ({ type }) => type === 'opened');
        return wire;
      }),
    );
    ends.push(() => {
      for (const wire of wires) wire.cut();
    });
    expect(await exchange(endpoint, step(1))).toEqual(probed(1));
  });

  it('that names no step, or another field, is refused with its code', async () => {
    for (const bad of [{ type: 'probe' }, { type: 'probe', step: 3 }, { type: 'probe', step: '1' }])
      await expect(exchange(endpoint, bad)).rejects.toMatchObject({
        status: 400,
        answer: { error: { code: 'bad_field', field: 'step' } },
      });
    const socket = new WebSocket(endpoint.replace('http', 'ws'));
    ends.push(() => socket.terminate());
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('open', () => socket.send(JSON.stringify({ ...step(1), ticket: 'x' })));
    expect(await closed).toBe(4202);
  });
});
