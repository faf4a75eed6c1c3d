import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Webhook } from '../../src/back-end/webhook.js';
import { BackEndRouter } from '../../src/commands/back-end/back-end-router.js';
import type { MemoryBrokerOptions } from '../../src/stores/memory/memory-broker.js';
import { type FakeBackEnd, fakeBackEnd, json } from '../back-end/fake-back-end.js';
import { HeldBroker } from '../support/held-broker.js';
import type { Client, World, WorldOptions } from '../support/world.js';
import { commanded, give } from './commanded-world.js';

const webhooks: Webhook[] = [];

afterEach(async () => {
  for (const each of webhooks.splice(0)) await each.stop();
});

async function withBackEnd(answer: FakeBackEnd['answer'], options: WorldOptions = {}) {
  const backEnd = await fakeBackEnd(answer);
  const made = commanded(
    { echo: { run: (args) => args } },
    {
      ...options,
      routers: (operations, log) => {
        // The time of the machine, since the network's is.
        const clock = { ...REAL_TIME, now: Date.now };
        const webhook = new Webhook({
          clock,
          log,
          url: backEnd.url,
          secret: 'a-secret-of-tests',
          maxConnections: 8,
        });
        webhooks.push(webhook);
        return [new BackEndRouter({ webhook, operations, log, ordered: ['public/one/{name}'] })];
      },
    },
  );
  return { ...made, backEnd };
}

const REAL_TIME = {
  monotonic: () => performance.now(),
  after: () => () => undefined,
  soon: (task: () => void) => void setImmediate(task),
};

/** Waits until something is so. */
async function until(isSo: () => boolean, missing = () => 'it'): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isSo(), `within 2 s: ${missing()}`).toBe(true);
}

/** The answer to a command, when it has come. */
async function answerTo(client: Client, uid: string): Promise<Record<string, unknown>> {
  for (let i = 0; i < 400; i++) {
    const answer = client.told('reply').find((each) => each['uid'] === uid);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('no answer came within 2 s');
}

const codeOf = (answer: Record<string, unknown>) => (answer['error'] as { code: string } | undefined)?.code;

describe('a command that no module takes', () => {
  it('is posted to the back end with who asks, and answered with its reply', async () => {
    const { world, backEnd } = await withBackEnd(json({ reply: { id: 7 } }));
    const client = world.open();
    world.connect(client.session.id, ['chat'], 'ann');
    const uid = give(client, 'say', { path: 'chat', args: { text: 'hi' } });
    expect(await answerTo(client, uid)).toEqual({ uid, reply: { id: 7 } });
    expect(backEnd.questions[0]?.body).toEqual({
      type: 'command',
      uid,
      path: 'chat',
      command: 'say',
      args: { text: 'hi' },
      again: false,
      session: { id: client.session.id, user: 'ann', info: null, mayHear: true, state: {}, version: 0 },
    });
  });

  it('is not posted when a module takes it', async () => {
    const { world, backEnd } = await withBackEnd(json({}));
    const client = world.open();
    const uid = give(client, 'echo', { args: 5 });
    expect(await answerTo(client, uid)).toEqual({ uid, reply: 5 });
    expect(backEnd.questions).toEqual([]);
  });

  it('lets state, grants, updates and messages take effect before its caller is answered', async () => {
    const { world } = await withBackEnd(
      json({
        reply: 'done',
        state: { patch: { name: 'Ann' }, version: 0 },
        grants: ['room'],
        updates: [
          { path: 'room', message: 'quiet' },
          { path: 'room', message: 'loud', echo: true },
        ],
        send: [{ users: ['bob'], message: 'psst' }],
      }),
    );
    const [client, other] = [world.open(), world.open()];
    world.connect(other.session.id, ['room'], 'bob');
    other.frames();
    const uid = give(client, 'join');
    const frames: unknown[] = [];
    for (let i = 0; i < 400 && !JSON.stringify(frames).includes('"reply"'); i++) {
      frames.push(...client.frames());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const shown = frames.filter((frame) => !/"(opened|ticket)"/.test(JSON.stringify(frame)));
    expect(shown).toMatchObject([
      { type: 'subscribed', paths: [{ path: 'room' }] },
      { path: 'room', message: 'loud' },
      { type: 'reply', uid, reply: 'done' },
    ]);
    expect(client.session.state.values).toEqual({ name: 'Ann' });
    expect(other.messages()).toEqual(['quiet', 'loud', 'psst']);
  });

  it.each([
    ['a path that is none', { updates: [{ path: 'a*', message: 1 }] }],
    ['a grant that is none', { grants: ['::all'] }],
    [
      'a key where there is no state',
      {
        updates: [
          { path: 'room', message: 1 },
          { path: 'nolog', key: 'a', message: 1 },
        ],
      },
    ],
    [
      'a version that has passed',
      {
        updates: [
          { path: 'room', message: 1 },
          { path: 'room', key: 'a', version: 9, message: 1 },
        ],
      },
    ],
    ['a reply that is too large', { reply: 'x'.repeat(70_000), updates: [{ path: 'room', message: 1 }] }],
    ['a message that is too large', { send: [{ users: ['bob'], message: 'x'.repeat(70_000) }] }],
    [
      'a state that is too large',
      { state: { patch: { a: 'x'.repeat(20_000) } }, updates: [{ path: 'room', message: 1 }] },
    ],
    [
      'another version of the state',
      { state: { patch: { a: 1 }, version: 3 }, updates: [{ path: 'room', message: 1 }] },
    ],
    [
      'one key twice',
      {
        updates: [
          { path: 'room', key: 'a', version: null, message: 1 },
          { path: 'room', key: 'a', version: null, message: 2 },
        ],
      },
    ],
    ['very many names', Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`n${i}`, 1]))],
    ['an unknown field', { answer: 1, updates: [{ path: 'room', message: 1 }] }],
    ['a list', [1]],
    ['an error without a code', { error: { message: 'x' } }],
    ['an error of another table', { error: { code: 'internal', message: 'x' } }],
  ])('has no effect at all when the answer has %s', async (_what, answer) => {
    const { world, lines } = await withBackEnd(
      json(
        Array.isArray(answer) ? answer : { state: { patch: { touched: true } }, grants: ['room'], ...answer },
      ),
    );
    const client = world.open();
    const uid = give(client, 'join');
    const told = await answerTo(client, uid);
    const isConflict = JSON.stringify(answer).includes('"version":');
    expect(codeOf(told)).toBe(isConflict && !_what.includes('twice') ? 'state_conflict' : 'back_end_failed');
    expect(lines.length).toBe(codeOf(told) === 'state_conflict' ? 0 : 1);
    expect([
      client.session.state.version,
      client.session.paths.permissions.granted.size,
      world.counters.updates,
    ]).toEqual([0, 0, 0]);
  });

  it.each(['unknown_command', 'not_allowed', 'bad_args', 'refused', 'handler_failed', 'state_conflict'])(
    'tells its caller %s as the back end says it',
    async (code) => {
      const error = { code, message: 'So it is.', field: 'args.a', reason: 'mood', data: [1] };
      const { world } = await withBackEnd(json({ error }));
      const client = world.open();
      const uid = give(client, 'say');
      expect(await answerTo(client, uid)).toEqual({ uid, error });
    },
  );

  it('fails at once while the back end is down', async () => {
    const { world, backEnd, lines } = await withBackEnd(json({}));
    await backEnd.close();
    const client = world.open();
    const codes: unknown[] = [];
    for (let i = 0; i < 7; i++) codes.push(codeOf(await answerTo(client, give(client, 'say'))));
    expect(new Set(codes)).toEqual(new Set(['back_end_down']));
    // The last two were not even tried.
    expect(lines.filter(({ message }) => message.includes('could not answer'))).toHaveLength(5);
  });

  it('waits for the one before where the configuration says so', async () => {
    const responses: ServerResponse[] = [];
    const { world, backEnd } = await withBackEnd((response) => void responses.push(response));
    const client = world.open();
    for (const path of ['public/one/a', 'public/one/a', 'public/one/b', 'public/two', 'public/two']) {
      give(client, 'say', { path });
    }
    await until(() => backEnd.questions.length === 4);
    const asked = backEnd.questions.map(({ body }) => body.path).toSorted();
    expect(asked).toEqual(['public/one/a', 'public/one/b', 'public/two', 'public/two']);
    const first = backEnd.questions.findIndex(({ body }) => body.path === 'public/one/a');
    json({})(responses[first] as ServerResponse);
    await until(() => backEnd.questions.length === 5);
    expect(backEnd.questions[4]?.body.path).toBe('public/one/a');
  });

  it('has no effect when its grants have no room', async () => {
    const { world } = await withBackEnd(
      json({ grants: ['room'], state: { patch: { a: 1 } }, updates: [{ path: 'room', message: 1 }] }),
      { settings: { maxSubscriptions: 1 } },
    );
    const client = world.open({ paths: [{ path: 'public' }] });
    const uid = give(client, 'join');
    expect(codeOf(await answerTo(client, uid))).toBe('back_end_failed');
    expect([client.session.state.version, world.counters.updates]).toEqual([0, 0]);
  });

  it('has no effect when its changes have no room together, though each has', async () => {
    const updates = ['a', 'b'].map((key) => ({ path: 'room', key, message: 1 }));
    const { world } = await withBackEnd(json({ updates }), { state: { maxKeys: 1, maxBytes: 10_000 } });
    const client = world.open();
    const uid = give(client, 'join');
    expect(codeOf(await answerTo(client, uid))).toBe('back_end_failed');
    expect(world.counters.updates).toBe(0);
  });

  it('is told as failed when a grant is, and everything else takes effect', async () => {
    const updates = [{ path: 'public-q', message: 'published' }];
    const options = { broker: (given: MemoryBrokerOptions) => new HeldBroker(given) };
    const { world } = await withBackEnd(json({ reply: 1, grants: ['p'], updates }), options);
    const broker = world.broker as HeldBroker;
    const client = world.open();
    client.want('public-q');
    await until(() => world.dispatcher.paths.get('public-q')?.isJoined === true);
    world.clock.settle();
    broker.failing.add('join');
    const uid = give(client, 'join');
    await until(() => broker.calls.includes('join p'));
    world.clock.advance(11_000);
    expect(codeOf(await answerTo(client, uid))).toBe('back_end_failed');
    expect(world.counters.updates).toBe(1);
  });

  it('of a session that ends meanwhile publishes all of its updates', async () => {
    const updates = [
      { path: 'p', key: 'k', version: null, message: 1 },
      { path: 'q', message: 2 },
    ];
    const options = { broker: (given: MemoryBrokerOptions) => new HeldBroker(given) };
    const { world } = await withBackEnd(json({ grants: ['g'], updates }), options);
    const broker = world.broker as HeldBroker;
    broker.held.add('publish');
    const client = world.open();
    give(client, 'join');
    await until(() => broker.calls.includes('publish p'));
    await world.operations.kick({ id: client.session.id });
    broker.release('publish');
    await until(() => world.counters.updates === 2);
  });

  it('that names a key twice has no effect at all', async () => {
    const twice = { path: 'room', key: 'k', message: 1 };
    const answer = { state: { patch: { done: 1 } }, updates: [{ path: 'other', message: 1 }, twice, twice] };
    const { world } = await withBackEnd(json(answer));
    const client = world.open();
    const uid = give(client, 'join');
    expect(codeOf(await answerTo(client, uid))).toBe('back_end_failed');
    expect([world.counters.updates, client.session.state.version]).toEqual([0, 0]);
  });

  it('does not count as down because clients have no time', async () => {
    const { world, backEnd } = await withBackEnd(() => undefined);
    const hurried = world.open();
    for (let i = 0; i < 6; i++) give(hurried, 'say', { timeoutMs: 1 });
    await until(
      () => backEnd.questions.length === 6,
      () => `${backEnd.questions.length} questions`,
    );
    world.clock.advance(600);
    backEnd.answer = json({ reply: 1 });
    const client = world.open();
    const uid = give(client, 'say');
    expect(await answerTo(client, uid)).toEqual({ uid, reply: 1 });
  });

  it.each([
    ['took too long', (world: World) => world.clock.advance(1_600)],
    ['caller has gone', (_world: World, client: Client) => void client.send({ type: 'close' })],
  ])('has no effect when it %s, though the back end answers afterwards', async (_what, happen) => {
    const answer = json({ state: { patch: { late: true } }, updates: [{ path: 'room', message: 1 }] });
    const { world, backEnd } = await withBackEnd(() => undefined);
    const client = world.open();
    let late: (() => void) | undefined;
    backEnd.answer = (response) => {
      late = () => answer(response);
    };
    give(client, 'say', { timeoutMs: 1_000 });
    await until(() => late !== undefined);
    happen(world, client);
    late?.();
    const other = world.open();
    backEnd.answer = json({ reply: 'served' });
    const uid = give(other, 'say');
    expect(await answerTo(other, uid)).toEqual({ uid, reply: 'served' });
    expect([client.session.state.version, world.counters.updates]).toEqual([0, 0]);
  });
});
