/** What a browser's `EventSource` is answered: it gives up for good on anything but 200, and comes back after `retry:`. */
import { get, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';
import { openWebSocket } from './wires.js';

let dobby: Dobby | null = null;
afterEach(() => dobby?.stop());

async function start(options: object): Promise<string> {
  dobby = createDobby({ port: 0, stateDir: tempFolder(), logLevel: 'silent', public: ['a'], ...options });
  return `${await dobby.start()}/comet`;
}

interface Stream {
  readonly status: number | undefined;
  readonly type: string | undefined;
  /** All that has come when the stream ends. */
  readonly text: Promise<string>;
}

function read(url: string, accept = 'text/event-stream'): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers: { Accept: accept }, agent: false }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const whole = new Promise<string>((done) => response.on('close', () => done(text)));
      resolve({ status: response.statusCode, type: response.headers['content-type'], text: whole });
    });
    asked.on('error', reject);
  });
}

describe('an EventSource', () => {
  it('that is refused for a while is answered 200 with retry, and ended', async () => {
    const endpoint = await start({ maxOpensPerSecond: 1 });
    await openWebSocket(endpoint, { type: 'open', protocol: 1 });
    const { status, type, text } = await read(`${endpoint}?path=a`);
    expect([status, type]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await text).toMatch(/^retry: [1-9]\d{3,}\n\ndata: \{"type":"closing","code":4006,.*\n\n$/);
  });

  it('that another kind of client asks for is refused by its status', async () => {
    const endpoint = await start({ maxOpensPerSecond: 1 });
    await openWebSocket(endpoint, { type: 'open', protocol: 1 });
    expect((await read(`${endpoint}?path=a`, '*/*')).status).toBe(503);
  });

  it('that asks for what it may not hear is refused for good', async () => {
    const endpoint = await start({});
    expect((await read(`${endpoint}?path=b`)).status).toBe(403);
    expect((await read(`${endpoint}?path=::gone`)).status).toBe(400);
  });

  it('is told when to come back before a stop ends its stream', async () => {
    const { text } = await read(`${await start({})}?path=a`);
    await dobby?.stop();
    expect(await text).toMatch(/data: \{"type":"closing","code":4000,.*\n\nretry: \d+\n\n$/);
  });
});
