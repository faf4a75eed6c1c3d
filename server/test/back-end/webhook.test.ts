import { afterEach, describe, expect, it } from 'vitest';
import { sign } from '../../src/back-end/signature.js';
import { Webhook } from '../../src/back-end/webhook.js';
import { keptLog, type Line } from '../commands/commanded-world.js';
import { FakeClock } from '../support/fake-clock.js';
import { fakeBackEnd, json } from './fake-back-end.js';

const SECRET = 'a-secret-of-the-tests';
const waiting = (signal: AbortSignal, countsAsFailure = false) => ({
  signal,
  countsAsFailure: () => countsAsFailure,
});
const never = waiting(new AbortController().signal);
const made: Webhook[] = [];

afterEach(async () => {
  for (const each of made.splice(0)) await each.stop();
});

function webhookOf(url: string, maxConnections = 4) {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const webhook = new Webhook({ clock, log: keptLog(lines), url, secret: SECRET, maxConnections });
  made.push(webhook);
  return { webhook, clock, lines };
}

describe('a webhook', () => {
  it('posts the question as JSON, signed, to the whole URL, and gives the answer', async () => {
    const backEnd = await fakeBackEnd(json({ reply: 1 }));
    const { webhook, clock } = webhookOf(backEnd.url);
    expect(await webhook.ask({ type: 'command' }, never)).toEqual({ json: { reply: 1 } });
    const [question] = backEnd.questions;
    expect(question).toMatchObject({ url: '/dobby/command/?app=1', body: { type: 'command' } });
    const header = String(question?.headers['dobby-signature']);
    const nonce = /nonce=([^,]+)/.exec(header)?.[1] as string;
    const request = { method: 'POST', target: '/dobby/command/?app=1', body: '{"type":"command"}' };
    expect(header).toBe(sign(request, { secret: SECRET, now: clock.now(), nonce }));
  });

  it('uses its connections again, and opens no more than it may', async () => {
    const backEnd = await fakeBackEnd();
    const { webhook } = webhookOf(backEnd.url, 2);
    await Promise.all(Array.from({ length: 20 }, () => webhook.ask({}, never)));
    await webhook.ask({}, never);
    expect([backEnd.questions.length, backEnd.connections]).toEqual([21, 2]);
  });

  it('is busy when too many wait', async () => {
    const backEnd = await fakeBackEnd(() => undefined);
    const { webhook } = webhookOf(backEnd.url, 1);
    const abort = new AbortController();
    const asked = Array.from({ length: 17 }, () => webhook.ask({}, waiting(abort.signal)));
    expect(await webhook.ask({}, never)).toEqual({ failure: 'busy' });
    abort.abort();
    await Promise.all(asked);
  });

  it.each([
    ['a redirect without an address', json({}, 302), 'it redirects without an address'],
    ['a redirect', redirect('/login/?next=/secret'), '/login/", and redirects are not followed'],
    [
      'a redirect elsewhere',
      redirect('https://a:b@app.example/x', 308),
      'redirects to "https://app.example/x"',
    ],
    ['a redirect to nowhere', redirect('http://[', 301), 'it redirects without an address'],
    ['a client error', json({}, 404), 'status 404'],
    ['a refused signature', json({}, 401), 'webhook secret'],
    ['a server error', json({}, 500), 'status 500'],
    ['HTML', (response: never) => html(response), '"text/html" is not application/json'],
    ['broken JSON', (response: never) => broken(response), 'not JSON'],
    ['latin1', bytes(Buffer.from('{"reply":"caf\xe9"}', 'latin1')), 'not UTF-8'],
    ['another charset', bytes(Buffer.from('{}'), 'application/json; charset=iso-8859-1'), 'iso-8859-1'],
    ['10 MB', json('x'.repeat(10 * 1024 * 1024)), ''],
    ['JSON that is nested deep', json(deep()), 'nested too deep'],
  ])('takes %s for a failure', async (_what, answer, detail) => {
    const backEnd = await fakeBackEnd(answer as never);
    const { webhook } = webhookOf(backEnd.url);
    expect(await webhook.ask({}, never)).toEqual({
      failure: 'failed',
      detail: expect.stringContaining(detail),
    });
    expect(backEnd.questions).toHaveLength(1);
  });

  it('asks nothing of a back end that is down, says so once, and finds out when it is back', async () => {
    const backEnd = await fakeBackEnd();
    await backEnd.close();
    const { webhook, clock, lines } = webhookOf(backEnd.url);
    for (let i = 0; i < 5; i++) {
      const detail = expect.stringContaining('ECONNREFUSED');
      expect(await webhook.ask({}, never)).toEqual({ failure: 'down', detail });
    }
    expect(await webhook.ask({}, never)).toEqual({ failure: 'down' });
    expect(lines.map(({ level }) => level)).toEqual(['error']);
    clock.advance(1_000);
    expect(await webhook.ask({}, never)).toHaveProperty('detail');
    expect(await webhook.ask({}, never)).toEqual({ failure: 'down' });
  });

  it('does not take a back end that answers too much for one that is down', async () => {
    const backEnd = await fakeBackEnd(json('x'.repeat(2 * 1024 * 1024)));
    const { webhook } = webhookOf(backEnd.url);
    for (let i = 0; i < 7; i++) expect(await webhook.ask({}, never)).toMatchObject({ failure: 'failed' });
  });

  it('counts what takes too long as a failure, and what nobody waits for as nothing', async () => {
    const backEnd = await fakeBackEnd(() => undefined);
    const { webhook } = webhookOf(backEnd.url, 20);
    const askAndAbort = async (countsAsFailure: boolean) => {
      const abort = new AbortController();
      const asked = webhook.ask({}, waiting(abort.signal, countsAsFailure));
      const before = backEnd.questions.length;
      while (backEnd.questions.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
      abort.abort();
      return asked;
    };
    for (let i = 0; i < 6; i++) await askAndAbort(false);
    for (let i = 0; i < 5; i++) await askAndAbort(true);
    expect(await webhook.ask({}, never)).toEqual({ failure: 'down' });
  });
});

function html(response: import('node:http').ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Log in</p>');
}

function redirect(location: string, status = 302) {
  return (response: import('node:http').ServerResponse): void => {
    response.writeHead(status, { Location: location }).end();
  };
}

function bytes(body: Buffer, type = 'application/json') {
  return (response: import('node:http').ServerResponse): void => {
    response.writeHead(200, { 'Content-Type': type }).end(body);
  };
}

function broken(response: import('node:http').ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"reply":');
}

function deep(): unknown {
  let value: unknown = 1;
  for (let i = 0; i < 1_000; i++) value = [value];
  return value;
}
