import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpSessionWebhook } from '../../../src/auth/providers/http-session-webhook.js';
import { Webhook } from '../../../src/back-end/webhook.js';
import { TimerWheel } from '../../../src/core/time/timer-wheel.js';
import { fakeBackEnd, json } from '../../back-end/fake-back-end.js';
import { keptLog, type Line } from '../../commands/commanded-world.js';
import { FakeClock } from '../../support/fake-clock.js';

const VISITOR = { headers: { cookie: 'sessionid=ann' }, address: '192.0.2.7' };
const ANN = { user: 'ann', login: 'phone', info: null };
const made: Webhook[] = [];

afterEach(async () => {
  for (const each of made.splice(0)) await each.stop();
});

async function setUp(answer: Parameters<typeof fakeBackEnd>[0] = json({})) {
  const backEnd = await fakeBackEnd(answer);
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const lines: Line[] = [];
  const log = keptLog(lines);
  const webhook = new Webhook({
    clock,
    log,
    url: backEnd.url,
    secret: 'a-secret-of-the-tests',
    maxConnections: 4,
  });
  made.push(webhook);
  const view = new HttpSessionWebhook({ webhook, clock, wheel, log, timeoutMs: 5_000, maxPathRequests: 8 });
  /** Lets time pass until something is settled: tries wait for each other. */
  const passing = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    void promise.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      clock.advance(50);
    }
    return promise;
  };
  return { backEnd, clock, lines, view, passing };
}

describe('who a visitor is', () => {
  it('is asked with its cookies and address, signed, and told whole', async () => {
    const said = {
      user: 'ann',
      login: 'phone',
      info: { name: 'Ann' },
      grants: ['a', 'b/{c}'],
      refused: ['d'],
    };
    const { backEnd, view, clock } = await setUp(json({ ...said, expiresInMs: 60_000 }));
    const { refused, ...identity } = said;
    expect(await view.authenticate(VISITOR, ['a', 'd'])).toEqual({
      value: {
        identity: { source: 'webhook', ...identity, at: clock.now(), expiresAt: clock.now() + 60_000 },
        refused,
      },
    });
    expect(backEnd.questions[0]).toMatchObject({
      body: { type: 'session', paths: ['a', 'd'] },
      headers: { cookie: 'sessionid=ann', 'x-forwarded-for': '192.0.2.7', 'dobby-signature': /^t=/ },
    });
  });

  it('is nobody where the answer says nothing', async () => {
    const { view } = await setUp(json({}));
    expect(await view.authenticate(VISITOR, [])).toMatchObject({
      value: { identity: { user: null, login: null, info: null, grants: [], expiresAt: null }, refused: [] },
    });
  });

  it('is somebody who is not let in', async () => {
    const { view } = await setUp(json({ error: { code: 'not_allowed', message: 'Banned.' } }));
    const error = { code: 'not_allowed', message: 'Banned.' };
    expect(await view.authenticate(VISITOR, [])).toEqual({ error });
  });

  const html = (response: ServerResponse) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Log in</h1>');
  };
  it.each([
    ['401', json({ error: {} }, 401), 'webhook secret'],
    ['500', json({}, 500), 'status 500'],
    ['a redirect', json({}, 302), 'redirects'],
    ['HTML', html, 'not application/json'],
    ['a list', json([]), 'wrong value'],
    ['null', json(null), 'wrong value'],
    ['a user that is a number', json({ user: 7 }), 'user'],
    ['an empty user', json({ user: '' }), 'user'],
    ['a login that is too long', json({ login: 'x'.repeat(256) }), 'login'],
    ['info that is too long', json({ info: 'x'.repeat(4_096) }), 'info'],
    ['a grant that is no path', json({ grants: ['a{'] }), 'grants.0'],
    ['a reserved grant', json({ grants: ['::all'] }), 'grants.0'],
    ['too many grants', json({ grants: Array(1_001).fill('a') }), 'grants'],
    ['an expiry that is over', json({ expiresInMs: 0 }), 'expiresInMs'],
    ['a field too many', json({ admin: true }), 'admin'],
    ['an error of another code', json({ error: { code: 'internal' } }), 'error.code'],
    ['an error beside a user', json({ user: 'ann', error: { code: 'not_allowed' } }), 'user'],
    ['a prototype', json(JSON.parse('{"__proto__": {"user": "ann"}}')), ''],
  ])('is not known when the answer is %s, and nobody is let in', async (_what, answer, detail) => {
    const { view, lines } = await setUp(answer);
    expect(await view.authenticate(VISITOR, [])).toMatchObject({ error: { code: 'not_identified' } });
    expect(JSON.stringify(lines)).toContain(detail);
    expect(JSON.stringify(lines)).not.toContain('sessionid');
  });

  it('is not known when nothing is answered in time, nor when nobody listens', async () => {
    const { view, passing, backEnd } = await setUp(() => undefined);
    expect(await passing(view.authenticate(VISITOR, []))).toMatchObject({
      error: { code: 'not_identified' },
    });
    await backEnd.close();
    expect(await view.authenticate(VISITOR, ['a'])).toMatchObject({ error: { code: 'not_identified' } });
  });

  it('is asked once for equal visitors at the same time, and for each that differs', async () => {
    const { view, backEnd } = await setUp(json({ user: 'ann' }));
    const bob = { ...VISITOR, headers: { cookie: 'sessionid=bob' } };
    const elsewhere = { ...VISITOR, address: '192.0.2.8' };
    const asked = [VISITOR, VISITOR, VISITOR, bob, elsewhere].map((visitor) =>
      view.authenticate(visitor, ['a']),
    );
    await Promise.all([...asked, view.authenticate(VISITOR, ['b'])]);
    expect(backEnd.questions).toHaveLength(4);
    await view.authenticate(VISITOR, ['a']);
    expect(backEnd.questions).toHaveLength(5);
  });
});

describe('what somebody may hear', () => {
  it('is asked without cookies, and once for equal questions', async () => {
    const { view, backEnd, clock } = await setUp(json({ grants: ['a', 'c/{d}'], refused: ['b'] }));
    const asked = await Promise.all([view.ask(ANN, ['a', 'b']), view.ask(ANN, ['a', 'b'])]);
    expect(asked[0]).toEqual({ grants: ['a', 'c/{d}'], refused: ['b'], at: clock.now() });
    expect(backEnd.questions).toMatchObject([{ body: { type: 'subscribe', ...ANN, paths: ['a', 'b'] } }]);
    expect(backEnd.questions[0]?.headers).not.toHaveProperty('cookie');
  });

  it.each([
    ['500', json({}, 500)],
    ['nonsense', json({ grants: 7 })],
    ['an error', json({ error: { code: 'not_allowed' } })],
  ])('is not known when the answer is %s', async (_what, answer) => {
    const { view } = await setUp(answer);
    expect(await view.ask(ANN, ['a'])).toBeNull();
  });

  it('leaves room to ask who a visitor is', async () => {
    const { view, backEnd } = await setUp(() => undefined);
    let unasked = 0;
    const asking = Array.from({ length: 12 }, (_, i) =>
      view.ask(ANN, [`${i}`]).then((word) => {
        unasked += Number(word === null);
      }),
    );
    await expect.poll(() => unasked).toBe(4);
    await backEnd.close();
    await Promise.all(asking);
  });
});
