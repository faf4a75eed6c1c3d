import { afterEach, expect, it } from 'vitest';
import type { Pomona } from '../../src/index.js';
import { type Call, json, opened, pomonaOn, serve, until } from './support.js';

const stops: (() => void)[] = [];
const track = (pomona: Pomona): Pomona => {
  stops.push(() => pomona.close());
  return pomona;
};
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const transports = ['long-poll'] as const;
const update = (offset: number) => ({ path: 'a', message: offset, position: { epoch: 'aaaaaaaa', offset } });
const first = [opened(), { type: 'subscribed', paths: [{ path: 'a', position: null }] }];

it('asks from the completion of the last answer, confirms it, and asks again for one that was lost', async () => {
  const polls: unknown[] = [];
  const { url, stop } = await serve(({ response, body }: Call) => {
    if (body['type'] === 'open') return json(response, { updates: first, reconnectWith: 'one/2' });
    if (body['type'] !== 'poll') return json(response, { accepted: 0 });
    polls.push(body);
    if (polls.length === 1) json(response, { updates: [update(1)], reconnectWith: 'one/3' });
    // An answer that breaks off in its midst, then one from a proxy, then the answer again.
    else if (polls.length === 2) {
      response.writeHead(200, { 'Content-Length': 1_000 });
      response.write('{"updates":[');
      response.destroy();
    } else if (polls.length === 3) response.writeHead(502).end('<html>');
    else if (polls.length === 4) json(response, { updates: [update(2), update(3)], reconnectWith: 'one/5' });
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports, random: () => 0.01 }));
  const messages: unknown[] = [];
  pomona.connect('a', (message) => messages.push(message));
  await until('five polls', () => polls.length === 5);
  expect(messages).toEqual([1, 2, 3]);
  const poll = { type: 'poll', ticket: 'ticket-1', connection: 1 };
  expect(polls).toEqual(['one/2', 'one/3', 'one/3', 'one/3', 'one/5'].map((cursor) => ({ ...poll, cursor })));
});

it('opens again with its positions when the cursor is refused', async () => {
  const opens: Record<string, unknown>[] = [];
  const { url, stop } = await serve(({ response, body }: Call) => {
    if (body['type'] === 'open') {
      opens.push(body);
      const updates = opens.length === 1 ? [...first, update(4)] : [opened({ resumed: true, connection: 2 })];
      return json(response, { updates, reconnectWith: 'one/3' });
    }
    if (opens.length === 1)
      json(response, { error: { code: 'bad_cursor', message: 'no', retryable: false } }, 409);
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports }));
  pomona.connect('a', () => {});
  await until('the second opening', () => opens.length === 2);
  expect(opens[1]).toEqual({
    type: 'open',
    attempt: 2,
    protocol: 1,
    ticket: 'ticket-1',
    paths: [{ path: 'a', position: { epoch: 'aaaaaaaa', offset: 4 } }],
  });
});

it('ends for good when another connection has taken the session', async () => {
  const { url, stop } = await serve(({ response, body }: Call) => {
    if (body['type'] === 'open') json(response, { updates: first, reconnectWith: 'one/2' });
    else json(response, { error: { code: 'taken_over', message: 'no', retryable: false, close: 4200 } }, 409);
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports }));
  await until('the end', () => pomona.state === 'closed');
});

it('ends for good when its session was dismissed while it was away', async () => {
  let openings = 0;
  const { url, stop } = await serve(({ response, body }: Call) => {
    if (body['type'] !== 'open') return void response.destroy();
    if (++openings === 1) return json(response, { updates: first, reconnectWith: 'one/2' });
    json(response, { error: { code: 'revoked_ticket', message: 'no', retryable: false, close: 4201 } }, 401);
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports }));
  await until('the end', () => pomona.state === 'closed');
});

it('waits as long as a refused opening says before it comes back', async () => {
  const openedAt: number[] = [];
  const { url, stop } = await serve(({ response }: Call) => {
    openedAt.push(Date.now());
    const wait = { close: 4006, reconnectAfterMs: 400 };
    json(response, { error: { code: 'too_many_opens', message: 'no', retryable: true, ...wait } }, 503);
  });
  stops.push(stop);
  track(pomonaOn(url, { transports, random: () => 0, reconnect: { baseMs: 1, maxMs: 1 } }));
  await until('the second opening', () => openedAt.length === 2);
  const [first = 0, second = 0] = openedAt;
  expect(second - first).toBeGreaterThanOrEqual(390);
});
