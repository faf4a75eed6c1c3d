/** A foreign protocol needs no change in core: subscribing, replay, pings and refusals work as in Dobby's own. */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { DEFAULT_EXTENSIONS } from '../../../src/assembly.js';
import { Dobby } from '../../../src/dobby.js';
import type { Dialect } from '../../../src/transports/dialect.js';
import type { GatewayOptions } from '../../../src/transports/gateway.js';
import { tempFolder } from '../../support/temp-folder.js';
import { openWebSocket } from '../wires.js';
import { toyGateway } from './toy-gateway.js';

const DEADLINE_MS = 5_000;
const NONE: Dialect = {
  write: () => null,
  open: () => ({ value: null }),
  read: () => ({ value: null }),
};

let dobby: Dobby;
let address: string;

beforeAll(async () => {
  dobby = new Dobby(
    {
      port: 0,
      stateDir: tempFolder(),
      logLevel: 'silent',
      public: ['news', 'räume/ä'],
      pingIntervalMs: 1_000,
    },
    { ...DEFAULT_EXTENSIONS, gateways: [toyGateway] },
  );
  address = await dobby.start();
});

afterAll(() => dobby.stop());

/** Lines as they come. */
class Lines {
  readonly #lines: string[] = [];
  #arrived: () => void = () => undefined;

  put(text: string): void {
    this.#lines.push(...text.split('\n').filter((line) => line !== '' && line !== 'THERE?'));
    this.#arrived();
  }

  async next(): Promise<string> {
    const deadline = Date.now() + DEADLINE_MS;
    while (this.#lines.length === 0) {
      if (Date.now() >= deadline) throw new Error(`no line came within ${DEADLINE_MS} ms`);
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
        setTimeout(resolve, deadline - Date.now());
      });
    }
    return this.#lines.shift() as string;
  }
}

async function dial(hello = 'HELLO') {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/toy`);
  const lines = new Lines();
  let asked = 0;
  socket.on('message', (data) => {
    if (String(data) === 'THERE?') asked++;
    lines.put(String(data));
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(hello);
  const greeting = await lines.next();
  const ticket = greeting.split(' ')[2] ?? '';
  const say = (text: string) => socket.send(text);
  return { socket, say, next: () => lines.next(), closed, greeting, ticket, pings: () => asked };
}

/** Reads a stream of lines; `status` when it was refused. */
async function stream(hear: string) {
  const lines = new Lines();
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
    get(`${address}/toy/stream?hear=${encodeURIComponent(hear)}`, { agent: false }, resolve),
  );
  response.setEncoding('utf8').on('data', (text: string) => lines.put(text));
  return { status: response.statusCode, next: () => lines.next(), end: () => response.destroy() };
}

const positionOf = (line: string): string => line.split(' ')[2] ?? '';

describe('a foreign protocol over WebSocket', () => {
  it('subscribes, hears and leaves, beside clients of Dobby’s own protocol', async () => {
    const toy = await dial();
    const own = await openWebSocket(`${address}/comet`, {
      type: 'open',
      protocol: 1,
      paths: [{ path: 'news' }],
    });
    toy.say('HEAR räume/ä');
    expect(await toy.next()).toMatch(/^HEARD räume\/ä \w{8}:0$/);
    toy.say('HEAR news');
    expect(await toy.next()).toMatch(/^HEARD news \w{8}:\d+$/);
    await dobby.update('news', { text: 'Grüße 👋' });
    expect(await toy.next()).toMatch(/^MESSAGE news \w{8}:1 {"text":"Grüße 👋"}$/);
    const update = await own.until('the update', ({ path }) => path === 'news');
    expect(update['message']).toEqual({ text: 'Grüße 👋' });
    toy.say('LEAVE news');
    expect(await toy.next()).toBe('LEFT news');
    toy.socket.terminate();
    own.cut();
  });

  it('resumes, and gets what it missed', async () => {
    const first = await dial();
    first.say('HEAR news');
    const at = positionOf(await first.next());
    first.socket.terminate();
    for (const text of ['a', 'b']) await dobby.update('news', text);
    const second = await dial(`HELLO ${first.ticket}`);
    expect(second.greeting.split(' ')[1]).toBe(first.greeting.split(' ')[1]);
    expect(await second.next()).toBe(`HEARD news ${at}`);
    expect([await second.next(), await second.next()].map((line) => line.split(' ')[3])).toEqual([
      '"a"',
      '"b"',
    ]);
    second.socket.terminate();
  });

  it('replays from a position, and says what is lost', async () => {
    const [first, second] = [await dial(), await dial()];
    first.say('HEAR news');
    const at = positionOf(await first.next());
    await dobby.update('news', 'c');
    second.say(`HEAR news ${at}`);
    expect(await second.next()).toBe(`HEARD news ${at}`);
    expect(await second.next()).toMatch(/^MESSAGE news \w{8}:\d+ "c"$/);
    const third = await dial();
    third.say('HEAR news otherone:7');
    expect(await third.next()).toMatch(/^HEARD news/);
    expect(await third.next()).toBe('LOST news restarted');
    for (const { socket } of [first, second, third]) socket.terminate();
  });

  it('answers pings, and is pinged itself', async () => {
    const toy = await dial();
    toy.say('PING');
    expect(await toy.next()).toBe('PONG');
    const deadline = Date.now() + DEADLINE_MS;
    while (toy.pings() < 2 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      toy.say('HERE');
    }
    expect(toy.pings()).toBeGreaterThanOrEqual(2);
    expect(toy.socket.readyState).toBe(WebSocket.OPEN);
    toy.say('BYE');
    expect(await toy.next()).toBe('BYE 4203');
    expect(await toy.closed).toBe(4203);
  });

  it('refuses paths, lines and openings in its own lines', async () => {
    const toy = await dial();
    for (const [line, answer] of [
      ['HEAR ::secret', 'NO ::secret reserved_path'],
      ['HUH', 'ERROR bad_frame'],
      ['HEAR news epoch001:x', 'ERROR bad_field'],
      ['HEAR news epoch001:-1', 'ERROR bad_field'],
      [`HEAR ${'x'.repeat(70_000)}`, 'ERROR too_large'],
    ] as const) {
      toy.say(line);
      expect(await toy.next()).toBe(answer);
    }
    toy.socket.terminate();
    const stranger = await dial('GOOD DAY');
    expect(stranger.greeting).toBe('ERROR not_open');
    expect(await stranger.next()).toMatch(/^BYE \d+$/);
    await stranger.closed;
  });
});

describe('a foreign protocol over HTTP', () => {
  it('replays from a position and goes on', async () => {
    const first = await stream('news');
    const at = positionOf(await first.next());
    first.end();
    await dobby.update('news', 'missed');
    const second = await stream(`news@${at}`);
    expect(await second.next()).toBe(`HEARD news ${at}`);
    expect((await second.next()).split(' ')[3]).toBe('"missed"');
    await dobby.update('news', 'live');
    expect((await second.next()).split(' ')[3]).toBe('"live"');
    second.end();
  });

  it('refuses paths and positions in its own lines', async () => {
    for (const [hear, answer, status] of [
      ['::secret', 'NO ::secret reserved_path', 200],
      ['::all', 'LEFT ::all', 200],
      ['news@epoch001:x', 'NO bad_field', 400],
    ] as const) {
      const refused = await stream(hear);
      expect([refused.status, await refused.next()]).toEqual([status, answer]);
      refused.end();
    }
  });

  it('answers HEAD without a stream, and no page of a foreign origin', async () => {
    const head = await fetch(`${address}/toy/stream?hear=news`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      ...[200, 'text/plain; charset=utf-8', ''],
    ]);
    const headers = { Origin: 'https://elsewhere.example' };
    const foreign = await fetch(`${address}/toy/stream?hear=news`, { headers });
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });
});

describe('a gateway with faults', () => {
  const fail = (): never => {
    throw new Error('no');
  };

  it('costs no other client an update, and the server goes on', async () => {
    const fails: Dialect = {
      write: (content) =>
        content.type === 'update' || content.type === 'gap' ? fail() : JSON.stringify(content),
      open: () => ({ value: { type: 'open', protocol: 1, paths: [{ path: 'news' }] } }),
      read: fail,
    };
    const faulty = new Dobby(
      { port: 0, stateDir: tempFolder(), logLevel: 'silent', public: ['news'] },
      { ...DEFAULT_EXTENSIONS, gateways: [({ endpoint }) => endpoint.addWebSockets('/fails', fails)] },
    );
    const url = await faulty.start();
    const bad = new WebSocket(`${url.replace('http', 'ws')}/fails`);
    const said: { type?: string; code?: string }[] = [];
    bad.on('message', (data) => said.push(JSON.parse(String(data))));
    bad.on('open', () => bad.send('hello'));
    await expect.poll(() => said.map(({ type }) => type), { timeout: DEADLINE_MS }).toContain('subscribed');
    const own = await openWebSocket(`${url}/comet`, { type: 'open', protocol: 1, paths: [{ path: 'news' }] });
    await own.next('subscribed');
    await faulty.update('news', 'a');
    bad.send('anything');
    await expect.poll(() => said.map(({ code }) => code), { timeout: DEADLINE_MS }).toContain('bad_frame');
    await faulty.update('news', 'b');
    expect([(await own.next())['message'], (await own.next())['message']]).toEqual(['a', 'b']);
    own.cut();
    bad.terminate();
    await faulty.stop();
  });

  it('may have no pings: WebSocket’s own keep the connection', async () => {
    const silent: Dialect = {
      write: (content) => (content.type === 'opened' ? 'opened' : null),
      open: () => ({ value: { type: 'open', protocol: 1 } }),
      read: () => ({ value: { type: 'pong' } }),
    };
    const server = new Dobby(
      { port: 0, stateDir: tempFolder(), logLevel: 'silent', pingIntervalMs: 500 },
      { ...DEFAULT_EXTENSIONS, gateways: [({ endpoint }) => endpoint.addWebSockets('/silent', silent)] },
    );
    const socket = new WebSocket(`${(await server.start()).replace('http', 'ws')}/silent`);
    let pings = 0;
    socket.on('ping', () => pings++);
    socket.on('open', () => socket.send('hello'));
    await expect.poll(() => pings, { timeout: DEADLINE_MS }).toBeGreaterThan(2);
    expect([socket.readyState, server.info.connections]).toEqual([WebSocket.OPEN, 1]);
    socket.terminate();
    await server.stop();
  });

  it('cannot take the URL of another', () => {
    const taken = { gateways: [({ endpoint }: GatewayOptions) => endpoint.addWebSockets('/comet', NONE)] };
    const input = { port: 0, stateDir: tempFolder(), logLevel: 'silent' } as const;
    expect(() => new Dobby(input, { ...DEFAULT_EXTENSIONS, ...taken })).toThrow('/comet');
  });
});

it('a foreign protocol takes fewer than 150 lines', () => {
  const lines = readFileSync(new URL('toy-gateway.ts', import.meta.url), 'utf8').split('\n');
  expect(lines.length).toBeLessThan(150);
});
