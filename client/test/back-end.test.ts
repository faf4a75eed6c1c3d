import { afterEach, describe, expect, it, vi } from 'vitest';
import { Stage, settled, subscribed } from './support.js';

const connectUrl = 'http://app.test/connect';
const disconnectUrl = 'http://app.test/disconnect';
const pending = (...paths: string[]) => ({ type: 'pending', paths });
const refused = (path: string, code = 'not_granted') => ({
  type: 'refused',
  paths: [{ path, code, message: 'no' }],
});

async function asking(options = {}, ...paths: string[]): Promise<Stage> {
  const stage = new Stage({ connectUrl, disconnectUrl, ...options });
  for (const path of paths) stage.pomona.connect(path, () => {});
  await stage.transport.opens();
  await stage.transport.says(pending(...paths));
  return stage;
}

afterEach(() => vi.unstubAllGlobals());

describe('connectUrl', () => {
  it('is asked once for all paths of a frame, with the id, as JSON, with the headers', async () => {
    const stage = await asking({ headers: async () => ({ 'X-Token': 't' }) }, 'a', 'b');
    expect(stage.requests.map(({ url, body }) => [url, body])).toEqual([
      [connectUrl, { uid: 'one', paths: ['a', 'b'] }],
    ]);
    expect(stage.requests[0]?.init).toMatchObject({
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'X-Token': 't' },
    });
  });

  it('is not asked when nothing is pending', async () => {
    const stage = await asking({}, 'a');
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'));
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true });
    await stage.transport.says(subscribed('a'));
    expect(stage.requests.length).toBe(1);
  });

  it('refuses all with any 4xx, and Dobby is told', async () => {
    const stage = await asking({}, 'a', 'b');
    await stage.requests[0]?.answer(403);
    expect(stage.told('refused')).toEqual([
      expect.objectContaining({ path: 'a', code: 'connect_refused', retryable: false }),
      expect.objectContaining({ path: 'b', code: 'connect_refused', retryable: false }),
    ]);
    expect(stage.transport.sent).toEqual([{ type: 'unsubscribe', n: 1, paths: ['a', 'b'] }]);
    expect(stage.requests.length).toBe(1);
  });

  it('that says of the session that Dobby knows none has decided nothing: it is asked again', async () => {
    const stage = await asking({}, 'a');
    await stage.requests[0]?.answer(404, { error: { code: 'unknown_session', message: 'none' } });
    expect(stage.told('refused')).toMatchObject([{ code: 'connect_failed', retryable: true }]);
    await stage.clock.advance(250);
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });

  it('refuses what its answer names, and only that', async () => {
    const stage = await asking({}, 'a', 'b');
    await stage.requests[0]?.answer(200, { refused: ['b', 'other'] });
    await stage.transport.says(subscribed('a'));
    expect(stage.told('refused').length).toBe(1);
    expect(stage.transport.sent).toEqual([{ type: 'unsubscribe', n: 1, paths: ['b'] }]);
    expect(stage.told('subscribed').length).toBe(1);
  });

  it('that fails is told as retryable and asked again with a fresh subscribe, in growing windows', async () => {
    const stage = await asking({}, 'a');
    for (const [index, fail] of [
      () => stage.requests[0]?.fail(),
      () => stage.requests[1]?.answer(502),
      () => stage.requests[2]?.answer(429),
    ].entries()) {
      await fail();
      expect(stage.told('refused').length).toBe(index + 1);
      await stage.clock.advance(250 * 2 ** index - 1);
      expect(stage.transport.sent.length).toBe(index);
      await stage.clock.advance(1);
      expect(stage.transport.sent.at(-1)).toEqual({
        type: 'subscribe',
        n: index + 1,
        paths: [{ path: 'a' }],
      });
      await stage.transport.says(pending('a'));
      expect(stage.requests.length).toBe(index + 2);
    }
    expect(stage.told('refused')[0]).toMatchObject({ code: 'connect_failed', retryable: true });
    await stage.requests[3]?.answer(200);
    await stage.transport.says(subscribed('a'));
    expect(stage.told('subscribed').length).toBe(1);
  });

  it('that fails for several paths one after the other is asked again for all together', async () => {
    const stage = await asking({}, 'a');
    stage.pomona.connect('b', () => {});
    await settled();
    await stage.transport.says(pending('b'));
    await stage.requests[0]?.fail();
    await stage.clock.advance(100);
    await stage.requests[1]?.fail();
    await stage.clock.advance(150);
    expect(stage.transport.sent.at(-1)).toEqual({
      type: 'subscribe',
      n: 2,
      paths: [{ path: 'a' }, { path: 'b' }],
    });
  });

  it('is not asked again for a path that nobody wants any more', async () => {
    const stage = await asking({}, 'a');
    await stage.requests[0]?.answer(503);
    stage.pomona.disconnect('a');
    await stage.clock.advance(10_000);
    expect(stage.transport.sent).toEqual([{ type: 'unsubscribe', n: 1, paths: ['a'] }]);
  });

  it('that is slower than Dobby waits does not end the subscription: Dobby is asked to wait on', async () => {
    const stage = await asking({}, 'a');
    await stage.transport.says(refused('a'));
    expect(stage.told('refused')).toEqual([]);
    expect(stage.transport.sent).toEqual([{ type: 'subscribe', n: 1, paths: [{ path: 'a' }] }]);
    await stage.transport.says(pending('a'));
    expect(stage.requests.length).toBe(1);
    await stage.requests[0]?.answer(200);
    // Decided before the answer, perhaps, and heard after it: Dobby is asked once more.
    await stage.transport.says(refused('a'));
    expect(stage.told('refused')).toEqual([]);
    await stage.transport.says(refused('a'));
    expect(stage.told('refused')).toEqual([expect.objectContaining({ code: 'not_granted' })]);
  });

  it('that is going to be asked again keeps not_granted from ending the subscription', async () => {
    const stage = await asking({}, 'a');
    await stage.requests[0]?.answer(500);
    await stage.transport.says(refused('a'));
    expect(stage.told('refused')).toEqual([expect.objectContaining({ code: 'connect_failed' })]);
    await stage.clock.advance(500);
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });

  it('is not listened to once another session has begun, and is asked anew for it', async () => {
    const stage = await asking({}, 'a', 'b');
    await stage.transport.ends({ code: 4100 });
    await stage.clock.advance(500);
    await stage.transport.opens({ id: 'two' });
    await stage.transport.says(pending('a', 'b'));
    await stage.requests[0]?.answer(403);
    expect(stage.told('refused')).toEqual([]);
    expect(stage.requests.map(({ body }) => body)).toEqual([
      { uid: 'one', paths: ['a', 'b'] },
      { uid: 'two', paths: ['a', 'b'] },
    ]);
    expect(stage.told('id')).toEqual(['one', 'two']);
  });

  it('gets the token of Django, and only at the origin of the page', async () => {
    vi.stubGlobal('location', { href: 'http://app.test/page' });
    vi.stubGlobal('document', {
      cookie: 'x=1; csrftoken=secret',
      addEventListener() {},
    });
    const own = await asking({ connectUrl: '/connect' }, 'a');
    const foreign = await asking({ connectUrl: 'http://other.test/connect' }, 'a');
    const tokenOf = (stage: Stage) =>
      (stage.requests[0]?.init.headers as Record<string, string> | undefined)?.['X-CSRFToken'];
    expect([tokenOf(own), tokenOf(foreign)]).toEqual(['secret', undefined]);
  });
});

describe('what the connect view answered is told', () => {
  const html = { status: 403, headers: { 'Content-Type': 'text/html' } };
  const json = (status: number) => ({ status, headers: { 'Content-Type': 'application/json' } });
  const redirected = (response: Response, url: string) =>
    Object.defineProperties(response, { redirected: { value: true }, url: { value: url } });

  it.each([
    [
      'a page of an error',
      new Response('<h1>CSRF verification failed</h1>', html),
      /HTTP 403, text\/html: <h1>CSRF/,
    ],
    [
      'an error of Dobby that it passes on',
      new Response('{"error":{"code":"user_mismatch"}}', json(409)),
      /HTTP 409, application\/json.*user_mismatch/,
    ],
    [
      'a login page that it redirects to',
      redirected(new Response('<form>', { ...html, status: 200 }), 'http://app.test/login'),
      /redirected to http:\/\/app.test\/login/,
    ],
  ])('(%s) with the refusal', async (_what, response, message) => {
    const stage = await asking({ fetch: async () => response }, 'a');
    await stage.clock.advance(0);
    expect(stage.told('refused')).toMatchObject([{ code: 'connect_refused', retryable: false }]);
    expect((stage.told('refused')[0] as { message: string }).message).toMatch(message);
  });

  it('with not_granted, when it was no refusal: a misspelt answer, another Dobby', async () => {
    const response = new Response('{"refuse":["a"]}', json(200));
    const stage = await asking({ fetch: async () => response }, 'a');
    await stage.clock.advance(0);
    await stage.transport.says(refused('a'), refused('a'));
    expect((stage.told('refused')[0] as { message: string }).message).toMatch(/HTTP 200.*"refuse"/);
  });
});

describe('without connectUrl', () => {
  it('the word of the back end is waited for, and not_granted ends it', async () => {
    const stage = await asking({ connectUrl: undefined }, 'a');
    await stage.transport.says(refused('a'));
    expect([stage.requests, stage.told('refused').length]).toEqual([[], 1]);
  });
});

describe('a refused path', () => {
  it('is asked for again when it is connected again', async () => {
    const stage = await asking({}, 'a');
    await stage.transport.says(refused('a', 'denied'));
    expect(stage.pomona.connect('a', () => {}).state).toBe('asking');
    await settled();
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });
});

describe('disconnectUrl', () => {
  it('is told once for all paths whose last handler has gone in a tick', async () => {
    const stage = await asking({}, 'a', 'b');
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'), subscribed('b'));
    stage.pomona.disconnect('a');
    stage.pomona.disconnect('b');
    await settled();
    await stage.clock.advance(999);
    expect(stage.requests.length).toBe(1);
    await stage.clock.advance(1);
    expect(stage.requests[1]).toMatchObject({ url: disconnectUrl, body: { uid: 'one', paths: ['a', 'b'] } });
  });

  it('has answered before a path is asked for again, lest it end the new subscription', async () => {
    const stage = await asking({}, 'a');
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'));
    stage.pomona.disconnect('a');
    await settled();
    await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' });
    await stage.clock.advance(1_000);
    stage.pomona.connect('a', () => {});
    await settled();
    expect(stage.transport.sentOf('subscribe')).toEqual([]);
    await stage.requests[1]?.answer(500);
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
    expect(stage.told('error')).toEqual(['disconnect_failed']);
  });
});

it('ends a subscription that the back end grants after the path was given up', async () => {
  const stage = await asking({ disconnectUrl: undefined }, 'a');
  stage.pomona.disconnect('a');
  await settled();
  await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' });
  await stage.transport.says(subscribed('a'));
  expect(stage.transport.sentOf('unsubscribe').map(({ paths }) => paths)).toEqual([['a'], ['a']]);
  await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' });
  await stage.requests[0]?.answer(200);
  // Asked for again it begins anew.
  stage.pomona.connect('a', () => {});
  await settled();
  expect(stage.transport.sentOf('subscribe').map(({ paths }) => paths)).toEqual([[{ path: 'a' }]]);
});
