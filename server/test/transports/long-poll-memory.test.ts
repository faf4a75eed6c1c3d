/** What long-poll keeps of requests that were answered, and of clients that do not ask again. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  LongPolls,
  MAX_ENDED_POLLS,
  MAX_KEPT_ANSWER_BYTES,
  type PollExchange,
} from '../../src/transports/long-poll.js';
import type { TransportOptions } from '../../src/transports/transport-options.js';
import { createWorld } from '../support/world.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const CLIENT = { address: '192.0.2.1', visitor: null };

function setUp() {
  const world = createWorld();
  const parts = {
    ...world,
    sockets: { hasRoom: true },
    pollHoldMs: 25_000,
    sessionTtlMs: 30_000,
  } as unknown as TransportOptions;
  const polls = new LongPolls(parts);
  const answers: { updates: { type: string; id: string; ticket: string }[]; reconnectWith: string }[] = [];
  const exchange = (): PollExchange => ({
    response: new EventEmitter() as ServerResponse,
    answer: (body) => void answers.push(JSON.parse(String(body)) as (typeof answers)[number]),
  });
  const open = async (paths: { path: string }[] = []) => {
    await polls.open({ type: 'open', protocol: 1, paths }, exchange(), CLIENT);
    world.clock.settle();
    const answer = answers.at(-1);
    const opened = answer?.updates.find(({ type }) => type === 'opened');
    if (answer === undefined || opened === undefined) throw new Error('nothing was opened');
    return { ...opened, cursor: answer.reconnectWith };
  };
  const poll = (id: string, cursor: string) =>
    polls.poll(id, { type: 'poll', ticket: '', connection: 1, cursor }, exchange());
  return { world, polls, answers, exchange, open, poll };
}

/** Whether what `make` returns is freed, once nothing else holds it. */
async function isFreed(make: () => Promise<WeakRef<object>>): Promise<boolean> {
  const ref = await make();
  for (let i = 0; i < 20 && ref.deref() !== undefined; i++) {
    await new Promise(setImmediate);
    collect();
  }
  return ref.deref() === undefined;
}

describe('a long-poll connection', () => {
  it('keeps nothing of the request that opened it', async () => {
    const { world, polls, exchange } = setUp();
    const freed = await isFreed(async () => {
      const opening = exchange();
      await polls.open({ type: 'open', protocol: 1 }, opening, CLIENT);
      world.clock.settle();
      return new WeakRef(opening);
    });
    expect(world.sessions.all.size).toBe(1);
    expect(freed).toBe(true);
  });

  it('keeps nothing of a poll that was answered', async () => {
    const { world, polls, exchange, open } = setUp();
    const { id, cursor } = await open([{ path: 'public' }]);
    const freed = await isFreed(async () => {
      const waiting = exchange();
      polls.poll(id, { type: 'poll', ticket: '', connection: 1, cursor }, waiting);
      world.publish('public', 1);
      world.clock.settle();
      return new WeakRef(waiting);
    });
    expect(freed).toBe(true);
  });
});

describe('the last answers of long-poll', () => {
  it('are bounded in bytes, all together; a client whose answer has gone is to open again', async () => {
    const { world, polls, open, poll } = setUp();
    const text = 'x'.repeat(60_000);
    const clients: { id: string; cursor: string }[] = [];
    for (let i = 0; i < 60; i++) {
      const client = await open([{ path: 'public' }]);
      expect(poll(client.id, client.cursor)).toBeNull();
      clients.push(client);
    }
    for (let i = 0; i < 15; i++) world.publish('public', text);
    world.clock.settle();
    expect(polls.sizes.answerBytes).toBeLessThanOrEqual(MAX_KEPT_ANSWER_BYTES);
    const codes = clients.map(({ id, cursor }) => poll(id, cursor));
    expect(new Set(codes)).toEqual(new Set([null, 'bad_cursor']));
    expect(codes.filter((code) => code === null).length).toBeGreaterThan(2);
  });

  it('of connections that have ended are bounded in number', async () => {
    const { world, polls, open } = setUp();
    for (let i = 0; i < MAX_ENDED_POLLS + 20; i++) {
      const { id } = await open();
      const session = world.sessions.all.get(id);
      if (session !== undefined) void world.sessions.end(session, 'ended');
    }
    expect(polls.sizes).toMatchObject({ connections: MAX_ENDED_POLLS, ended: MAX_ENDED_POLLS });
  });

  it('are gone when nothing is waited for any more', async () => {
    const { world, polls, open } = setUp();
    for (let i = 0; i < 10; i++) await open();
    world.clock.advance(70_000);
    expect(polls.sizes).toEqual({ connections: 0, ended: 0, answerBytes: 0 });
  });
});
