/**
 * What DjangoTwistedWebSockets (2012) and Sputnik (2011) did with commands, state, callbacks and teardown, done by Dobby: real sockets, a
 * folder of modules, a back end behind them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type CommandError, type CommandsPomona, withCommands } from '../../client/src/commands/index.js';
import { Pomona } from '../../client/src/index.js';
import { createDobby, type Dobby } from '../../server/src/index.js';
import { tempFolder } from '../../server/test/support/temp-folder.js';
import { eventually } from './server-process.js';

const KEY = 'a-key-of-the-tests-0123456789';

const MODULES = {
  'echo.js': 'export default { run: (args) => args };',
  'fail.js': 'export default { run() { throw new Error("the database is at 10.0.0.7"); } };',
  'whoami.js':
    'export default { run: (args, { session: { user, isAuthenticated } }) => ({ user, isAuthenticated }) };',
  'count.js': `export default {
    run(args, { session }) {
      session.patch({ count: (session.state.count ?? 0) + 1 });
      return session.state.count;
    },
  };`,
  'total.js':
    'export default { run: (args, { shared }) => shared("app/totals").change("total", (n) => (n ?? 0) + 1) };',
  'tell-all.js': 'export default { run: (args, { broadcast }) => broadcast(args) };',
  'tell-some.js': 'export default { run: ({ ids, text }, { sendTo }) => sendTo({ sessions: ids }, text) };',
  'sleep.js': 'export default { run: (ms) => new Promise((resolve) => setTimeout(resolve, ms, "slept")) };',
  'rename.js': `import { z } from 'dobby/commands';
export default { args: z.strictObject({ name: z.string(), age: z.int().optional() }), run: ({ name }) => name };`,
  'leave.js': `const left = [];
export default {
  run: () => left,
  onSessionEnd: ({ id, state }) => { if (state.count) left.push([id, state.count]); },
};`,
  'say.js': `export default {
    pattern: 'book/{book}/chat',
    run: ({ text, myself = false }, { captured, path, update }) =>
      update(path, { book: captured.book, text }, { echo: myself }),
  };`,
  'say-anywhere.js': 'export default { command: "say", run: () => "nowhere in particular" };',
};

let dobby: Dobby;
let url: string;
const pomonas: Pomona[] = [];

beforeAll(async () => {
  const folder = tempFolder();
  const commands = join(folder, 'commands');
  mkdirSync(join(commands, 'node_modules'), { recursive: true });
  for (const [file, text] of Object.entries(MODULES))
    writeFileSync(join(commands, file), text.replace('dobby/commands', ENTRY));
  dobby = createDobby({
    port: 0,
    stateDir: join(folder, 'state'),
    public: ['{name*}'],
    commands,
    apiKey: KEY,
    logLevel: 'silent',
  });
  url = await dobby.start();
}, 30_000);

const ENTRY = join(import.meta.dirname, '../../server/dist/server/src/commands/index.js');

afterEach(() => {
  for (const pomona of pomonas.splice(0)) pomona.close();
});

afterAll(() => dobby.stop());

function open(transports?: readonly 'long-poll'[]): CommandsPomona & Pomona {
  const pomona = withCommands(
    new Pomona({ url: `${url}/comet`, WebSocket: WebSocket as never, ...(transports && { transports }) }),
  );
  pomonas.push(pomona);
  return pomona;
}

/** A client that has its id. */
async function opened(
  transports?: readonly 'long-poll'[],
): Promise<CommandsPomona & Pomona & { id: string }> {
  const pomona = open(transports);
  await eventually(
    () => pomona.state === 'open',
    () => `the state is ${pomona.state}`,
  );
  return pomona as CommandsPomona & Pomona & { id: string };
}

const errorOf = (asked: Promise<unknown>): Promise<CommandError> =>
  asked.then(
    (reply) => {
      throw new Error(`it was answered: ${JSON.stringify(reply)}`);
    },
    (error: CommandError) => error,
  );

/** The messages to a session, as they come. */
function messagesOf(pomona: CommandsPomona): unknown[] {
  const messages: unknown[] = [];
  pomona.onMessage((message) => messages.push(message));
  return messages;
}

describe('as with DjangoTwistedWebSockets', () => {
  it('a command file dropped in a folder is found by itself, and answers', async () => {
    expect(dobby.modules).toContain('echo.js');
    expect(await open().send('any', 'echo', { a: [1] })).toEqual({ a: [1] });
  });

  it('two commands at once are both answered, each with its own answer', async () => {
    const pomona = open();
    expect(await Promise.all([pomona.send('any', 'echo', 1), pomona.send('any', 'echo', 2)])).toEqual([1, 2]);
  });

  it('an unknown command and a failing one are told so, while those beside them are done', async () => {
    const pomona = open();
    const [unknown, failed, done] = await Promise.all([
      errorOf(pomona.send('any', 'nothing')),
      errorOf(pomona.send('any', 'fail')),
      pomona.send('any', 'echo', 'fine'),
    ]);
    expect([unknown.code, failed.code, done]).toEqual(['unknown_command', 'handler_failed', 'fine']);
    expect(failed.message).not.toContain('10.0.0.7');
  });

  it('a command knows whether its session is authenticated, and as whom', async () => {
    const pomona = await opened();
    expect(await pomona.send('any', 'whoami')).toEqual({ user: null, isAuthenticated: false });
    await dobby.connect(pomona.id, ['any'], 'ann');
    expect(await pomona.send('any', 'whoami')).toEqual({ user: 'ann', isAuthenticated: true });
  });

  it('required arguments are checked, and the missing one is named', async () => {
    const { code, field } = await errorOf(open().send('any', 'rename', { age: 3 }));
    expect([code, field]).toEqual(['bad_args', 'args.name']);
  });

  it('the state of a connection is its own, and now outlives the running command', async () => {
    const [a, b] = [open(), open()];
    expect(await a.send('any', 'count')).toBe(1);
    expect(await a.send('any', 'count')).toBe(2);
    expect(await b.send('any', 'count')).toBe(1);
  });

  it('global state is shared by all, and no change of it is lost without locks', async () => {
    const clients = [open(), open(), open()];
    const totals = await Promise.all(
      Array.from({ length: 30 }, (_, i) => clients[i % 3]?.send('any', 'total')),
    );
    expect(new Set(totals).size).toBe(30);
    expect(Math.max(...totals.map(Number))).toBe(30);
  });

  it('a broadcast reaches everybody else, a message to a subset just that', async () => {
    const [a, b, c] = await Promise.all([opened(), opened(), opened()]);
    const heard = [a, b, c].map(messagesOf);
    await a.send('any', 'tell-all', 'to all');
    await a.send('any', 'tell-some', { ids: [b.id], text: 'to some' });
    await a.send('any', 'tell-all', 'again');
    await eventually(
      () => (heard[1]?.length ?? 0) === 3 && (heard[2]?.length ?? 0) === 2,
      () => JSON.stringify(heard),
    );
    expect([heard[0], heard[1]?.toSorted(), heard[2]]).toEqual([
      [],
      ['again', 'to all', 'to some'],
      ['to all', 'again'],
    ]);
  });

  it('a slow command stalls nobody, not even its own session', async () => {
    const pomona = open();
    const slow = pomona.send('any', 'sleep', 1_000);
    let isSlept = false;
    void slow.then(() => {
      isSlept = true;
    });
    expect([await pomona.send('any', 'echo', 1), await open().send('any', 'echo', 2), isSlept]).toEqual([
      1,
      2,
      false,
    ]);
    expect(await slow).toBe('slept');
  });

  it('teardown runs when a session ends, with what was remembered of it', async () => {
    const pomona = await opened();
    const { id } = pomona;
    await pomona.send('any', 'count');
    pomona.close();
    const other = open();
    let left: unknown = [];
    await eventually(
      () =>
        JSON.stringify(left).includes(id) ||
        void other.send('any', 'leave').then((reply) => (left = reply)) !== undefined,
      () => JSON.stringify(left),
    );
    expect(left).toContainEqual([id, 1]);
  });
});

describe('as with Sputnik', () => {
  it('callback and errback both run: the promise of a command is kept or broken', async () => {
    const pomona = open();
    const outcomes = await Promise.allSettled([
      pomona.send('any', 'echo', 'yes'),
      pomona.send('any', 'fail'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('a command goes to the first pattern that matches its channel, with the named groups', async () => {
    const listener = open();
    const lines: unknown[] = [];
    const subscription = listener.connect('book/7/chat', (line) => lines.push(line));
    await eventually(
      () => subscription.state === 'subscribed',
      () => subscription.state,
    );
    await open().send('book/7/chat', 'say', { text: 'hello' });
    await eventually(
      () => lines.length === 1,
      () => 'no line came',
    );
    expect(lines).toEqual([{ book: '7', text: 'hello' }]);
    expect(await open().send('elsewhere', 'say')).toBe('nowhere in particular');
  });

  it('a sender does not hear itself, unless it asks for it with `myself`', async () => {
    const pomona = open();
    const lines: { text: string }[] = [];
    pomona.connect('book/8/chat', (line) => lines.push(line as never));
    await pomona.send('book/8/chat', 'say', { text: 'quiet' });
    await pomona.send('book/8/chat', 'say', { text: 'loud', myself: true });
    await eventually(
      () => lines.length > 0,
      () => 'no line came',
    );
    expect(lines.map(({ text }) => text)).toEqual(['loud']);
  });

  it('subscribing and commanding may come before the connection', async () => {
    const pomona = open();
    const lines: unknown[] = [];
    pomona.connect('book/9/chat', (line) => lines.push(line));
    expect(pomona.state).toBe('connecting');
    await pomona.send('book/9/chat', 'say', { text: 'early', myself: true });
    await eventually(
      () => lines.length === 1,
      () => 'no line came',
    );
  });

  it('three messages between two polls arrive in their order', async () => {
    const pomona = await opened(['long-poll']);
    const messages = messagesOf(pomona);
    const sender = open();
    for (const text of ['one', 'two', 'three'])
      await sender.send('any', 'tell-some', { ids: [pomona.id], text });
    await eventually(
      () => messages.length === 3,
      () => JSON.stringify(messages),
    );
    expect(messages).toEqual(['one', 'two', 'three']);
  });

  it('a background job sends to a user without faking a request, in all tabs', async () => {
    const tabs = await Promise.all([opened(), opened()]);
    const heard = tabs.map(messagesOf);
    for (const { id } of tabs) await dobby.connect(id, ['any'], 'bea');
    const answer = await fetch(`${url}/api/send`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ users: ['bea'], message: 'the export is ready' }),
    });
    expect(await answer.json()).toEqual({ sent: tabs.map(({ id }) => id), unknown: [] });
    await eventually(
      () => heard.every(({ length }) => length === 1),
      () => JSON.stringify(heard),
    );
  });

  it('the time since the last command is known of each session', async () => {
    const pomona = await opened();
    const lastOf = async (): Promise<number | null> => {
      const answer = await fetch(`${url}/api/sessions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
        body: '{"limit":1000}',
      });
      const { sessions } = (await answer.json()) as {
        sessions: { id: string; lastCommandAt: number | null }[];
      };
      return sessions.find(({ id }) => id === pomona.id)?.lastCommandAt ?? null;
    };
    expect(await lastOf()).toBeNull();
    const before = Date.now();
    await pomona.send('any', 'echo');
    expect(await lastOf()).toBeGreaterThanOrEqual(before);
  });
});
