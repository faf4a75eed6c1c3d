/** An opening above the rate of admission, on every transport: refused with the time to come back. */
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';
import { OPENERS } from './contract.js';
import { openWebSocket, Refused } from './wires.js';

const OPEN = { type: 'open', protocol: 1 };
let dobby: Dobby | null = null;

/** A server that admits one connection, and its endpoint once that one is open. */
async function startFull(): Promise<string> {
  dobby = createDobby({
    port: 0,
    stateDir: tempFolder(),
    maxOpensPerSecond: 1,
    public: ['a'],
    logLevel: 'warn',
  });
  const endpoint = `${await dobby.start()}/comet`;
  await openWebSocket(endpoint, OPEN);
  return endpoint;
}

afterEach(() => dobby?.stop());

describe('an opening above the rate', () => {
  it('of a WebSocket is told the error, then the closing frame with the time', async () => {
    const wire = await openWebSocket(await startFull(), OPEN);
    expect(wire.opened).toMatchObject({ type: 'error', code: 'too_many_opens' });
    expect(await wire.next()).toMatchObject({
      type: 'closing',
      code: 4006,
      reconnectAfterMs: expect.any(Number),
    });
    expect(await wire.closed).toBe(4006);
  });

  it.each(['event-stream', 'long-poll'] as const)('of %s is answered 503 with the time', async (name) => {
    const refused = await OPENERS[name](await startFull(), OPEN).catch((error: unknown) => error);
    if (!(refused instanceof Refused)) throw new Error('it was not refused');
    expect(refused.status).toBe(503);
    const { reconnectAfterMs, ...error } = refused.answer['error'];
    expect(error).toMatchObject({ code: 'too_many_opens', retryable: true, close: 4006 });
    expect(reconnectAfterMs).toBeGreaterThanOrEqual(1_000);
  });

  it.each([
    ['GET', '?path=a', {}],
    ['POST', '', { accept: 'text/event-stream' }],
    ['POST', '', {}],
  ] as const)('over HTTP (%s %s %j) says so in Retry-After too', async (method, query, more) => {
    const endpoint = await startFull();
    const headers = { 'content-type': 'application/json', ...more };
    const answer = await new Promise<{ status: number | undefined; after: unknown }>((resolve, reject) => {
      const asked = request(`${endpoint}${query}`, { method, headers, agent: false }, (response) => {
        resolve({ status: response.statusCode, after: response.headers['retry-after'] });
        response.destroy();
      });
      asked.on('error', reject);
      asked.end(method === 'POST' ? JSON.stringify(OPEN) : undefined);
    });
    expect(answer).toEqual({ status: 503, after: expect.stringMatching(/^[1-9]$/) });
  });
});
