/**
 * The contract of the transports through a real nginx: event streams and long-poll with its default settings, WebSockets with the three lines
 * that the guide gives, and what a WebSocket client is told where those lines are missing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDobby } from '../../src/index.js';
import { describeTransport, OPENERS, type Subject } from '../transports/contract.js';
import { openWebSocket, Refused } from '../transports/wires.js';
import { startNginx, UPGRADE_LINES } from './nginx.js';

async function start(extraLines: string): Promise<Subject> {
  const stateDir = mkdtempSync(join(tmpdir(), 'dobby-nginx-'));
  const dobby = createDobby({ port: 0, stateDir, public: ['demo/{name*}'], logLevel: 'warn' });
  const nginx = await startNginx(await dobby.start(), extraLines);
  const stop = async (): Promise<void> => {
    await dobby.stop();
    await nginx.stop();
    rmSync(stateDir, { recursive: true });
  };
  return { dobby, endpoint: `${nginx.url}/comet${extraLines === '' ? '?no-upgrade' : ''}`, stop };
}

describe('through nginx with its default settings', () => {
  describeTransport('event-stream', OPENERS['event-stream'], () => start(''));
  describeTransport('long-poll', OPENERS['long-poll'], () => start(''));

  it('a WebSocket client is told at once that the upgrade was stripped', async () => {
    const subject = await start('');
    const refused = await openWebSocket(subject.endpoint, { type: 'open', protocol: 1 }).catch(
      (error) => error,
    );
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ status: 426, answer: { error: { code: 'upgrade_stripped' } } });
    await subject.stop();
  });
});

describe('through nginx with the upgrade passed on', () => {
  describeTransport('websocket', OPENERS.websocket, () => start(UPGRADE_LINES));
});
