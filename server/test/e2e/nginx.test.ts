/**
 * The contract of the transports through a real nginx: event streams and long-poll with the block of docs/proxies.md without its lines
 * for WebSockets, WebSockets with all of it, and what a client cannot make Dobby believe through it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDobby } from '../../src/index.js';
import { rawHttp, requestText } from '../support/raw-http.js';
import { describeTransport, OPENERS, type Subject } from '../transports/contract.js';
import { exchange, openWebSocket, Refused } from '../transports/wires.js';
import { blockWithoutWebSockets, documentedBlock, startNginx } from './nginx.js';

const KEY = 'a-key-of-the-tests-0123456789';
const OPEN = { type: 'open', protocol: 1 };

async function start(block: string): Promise<Subject> {
  const stateDir = mkdtempSync(join(tmpdir(), 'dobby-nginx-'));
  const dobby = createDobby({ port: 0, stateDir, apiKey: KEY, public: ['demo/{name*}'], logLevel: 'error' });
  const nginx = await startNginx(await dobby.start(), block);
  const stop = async (): Promise<void> => {
    await dobby.stop();
    await nginx.stop();
    rmSync(stateDir, { recursive: true });
  };
  return { dobby, endpoint: `${nginx.url}/comet${block === documentedBlock() ? '' : '?no-upgrade'}`, stop };
}

describe('through nginx without the lines for WebSockets', () => {
  describeTransport('event-stream', OPENERS['event-stream'], () => start(blockWithoutWebSockets()));
  describeTransport('long-poll', OPENERS['long-poll'], () => start(blockWithoutWebSockets()));

  it('a WebSocket client is told at once that the upgrade was stripped', async () => {
    const subject = await start(blockWithoutWebSockets());
    const refused = await openWebSocket(subject.endpoint, OPEN).catch((error) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ status: 426, answer: { error: { code: 'upgrade_stripped' } } });
    await subject.stop();
  });
});

describe('through nginx as documented', () => {
  describeTransport('websocket', OPENERS.websocket, () => start(documentedBlock()));

  describe.each([
    ['as documented', documentedBlock],
    ['without the lines for WebSockets', blockWithoutWebSockets],
  ])('%s, a client', (_which, block) => {
    let subject: Subject;

    beforeAll(async () => {
      subject = await start(block());
    });

    afterAll(() => subject.stop());

    it('cannot choose its address', async () => {
      const { updates } = await exchange(subject.endpoint, OPEN, {
        'X-Forwarded-For': '6.6.6.6',
        'X-Real-IP': '6.6.6.6',
      });
      const response = await fetch(new URL('/api/sessions', subject.endpoint), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
        body: '{}',
      });
      const { sessions } = (await response.json()) as { sessions: { id: string; address: string }[] };
      expect(sessions.find(({ id }) => id === updates[0]?.id)?.address).toBe('127.0.0.1');
    });

    it.each([
      ['host', { 'X-Forwarded-Host': '10.6.6.6' }, 'http://10.6.6.6'],
      ['host, with its port', { 'X-Forwarded-Host': '10.6.6.6:81' }, 'http://10.6.6.6:81'],
      ['scheme', { 'X-Forwarded-Proto': 'https' }, 'https://127.0.0.1'],
    ])('cannot choose its %s', async (_what, headers, Origin) => {
      const refused = await exchange(subject.endpoint, OPEN, { ...headers, Origin }).catch((error) => error);
      expect(refused).toMatchObject({ answer: { error: { code: 'origin_not_allowed' } } });
    });

    it('that offers h2c is answered', async () => {
      const offer = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAM'];
      const request = requestText(
        'POST /comet',
        [...offer, 'Content-Type: application/json'],
        JSON.stringify(OPEN),
      );
      const { origin } = new URL(subject.endpoint);
      const text = await rawHttp(origin, [request], (all) => all.includes('"opened"'));
      expect(text).toContain('200 OK');
    });
  });
});
