/** What commands cause: updates, state of sessions and of paths, messages, grants. */
import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/commands/modules/context.js';
import { type Client, gathered } from '../support/world.js';
import { answers, commanded, give, settle } from './commanded-world.js';

type Run = (args: never, context: CommandContext) => unknown;

/** A world with one command, `do`. */
const doing = (run: Run, options = {}) => commanded({ do: { run } }, options);

const errorOf = (told: Record<string, unknown>, uid: string): string =>
  (told[uid] as { error?: { code: string } }).error?.code ?? 'none';

const updatesOf = (client: Client) =>
  client.frames().flatMap((frame) => ('type' in frame ? [] : [[frame.path, frame.message]]));

describe('an update of a command', () => {
  it('is heard by everybody but the session that caused it', async () => {
    const { world } = doing((_, { update }) => update('public', 'hello'));
    const [sender, other] = [
      world.open({ paths: [{ path: 'public' }] }),
      world.open({ paths: [{ path: 'public' }] }),
    ];
    give(sender, 'do');
    await settle();
    expect([sender.messages(), other.messages()]).toEqual([[], ['hello']]);
  });

  it('is heard by the sender too when it asks to', async () => {
    const { world } = doing((_, context) => context.update('public', 'hello', { echo: true }));
    const sender = world.open({ paths: [{ path: 'public' }] });
    give(sender, 'do');
    await settle();
    expect(sender.messages()).toEqual(['hello']);
  });

  it('is not replayed to its sender either', async () => {
    const { world } = doing((_, context) => context.update('public', 'hello'));
    const sender = world.open({ paths: [{ path: 'public' }] });
    const frames = sender.frames();
    const ticket = (frames[0] as { ticket: string }).ticket;
    const { position } = (frames[1] as unknown as { paths: [{ position: never }] }).paths[0];
    give(sender, 'do');
    await settle();
    sender.connection.lost();
    expect(world.open({ ticket, paths: [{ path: 'public', position }] }).messages()).toEqual([]);
  });

  it('to a path that is none fails the command, when the handler does not mind itself', async () => {
    const { world, lines } = doing((_, context) => context.update('a*', 1));
    const client = world.open();
    const uid = give(client, 'do');
    expect(errorOf(await answers(client), uid)).toBe('handler_failed');
    expect(lines[0]?.fields['error']).toContain('bad_path');
  });
});

describe('the state of a session', () => {
  it('is kept across commands, is its own, and is forgotten with it', async () => {
    const ended: unknown[] = [];
    const { world } = commanded({
      count: {
        run: (_: never, { session }) => {
          session.patch({ count: Number(session.state['count'] ?? 0) + 1 });
          return session.state['count'];
        },
        onSessionEnd: ({ state }) => void ended.push({ ...state }),
      },
    });
    const [a, b] = [world.open(), world.open()];
    const first = give(a, 'count');
    const second = give(a, 'count');
    const others = give(b, 'count');
    expect(await answers(a)).toEqual({ [first]: { reply: 1 }, [second]: { reply: 2 } });
    expect(await answers(b)).toEqual({ [others]: { reply: 1 } });
    a.send({ type: 'close' });
    expect(ended).toEqual([{ count: 2 }]);
  });

  it('has a version, by which commands that run side by side notice each other', async () => {
    const { world } = doing(async (_, { session }) => {
      const { version } = session;
      await settle();
      return session.patch({ done: true }, version);
    });
    const client = world.open();
    const [first, second] = [give(client, 'do'), give(client, 'do')];
    const told = { ...(await answers(client)), ...(await answers(client)) };
    expect(told[first]).toEqual({ reply: 1 });
    expect(errorOf(told, second)).toBe('handler_failed');
  });

  it('loses a name that is set to null, is a copy, and has its bound', async () => {
    const list = [1];
    const { world } = commanded({
      set: {
        run: (_: never, { session }) => {
          session.patch({ list, name: 'a' });
          session.patch({ name: null });
          list.push(2);
          return session.state;
        },
      },
      fill: { run: (_: never, { session }) => session.patch({ big: 'x'.repeat(20_000) }) },
    });
    const client = world.open();
    const [set, fill] = [give(client, 'set'), give(client, 'fill')];
    const told = await answers(client);
    expect(told[set]).toEqual({ reply: { list: [1] } });
    expect(errorOf(told, fill)).toBe('handler_failed');
    expect(client.session.state.version).toBe(2);
  });

  it('survives a restart in order, with the messages that wait', async () => {
    const { world } = doing((_, { session }) => session.patch({ name: 'Ann' }));
    const client = world.open();
    const ticket = client.ticket();
    give(client, 'do');
    await settle();
    client.connection.lost();
    await world.directMessages.send({ message: 'wait', text: '"wait"' }, { sessions: [client.session.id] });
    const next = world.handOver();
    const back = next.open({ ticket });
    expect(back.session.state.values).toEqual({ name: 'Ann' });
    expect(back.session.state.version).toBe(1);
    expect(back.messages()).toEqual(['wait']);
  });
});

describe('state that all share', () => {
  it('is read and changed by compare and set, so that no change is lost', async () => {
    const { world } = doing((_, context) =>
      context.shared('app/counter').change('n', (n) => Number(n ?? 0) + 1),
    );
    const clients = [world.open(), world.open(), world.open()];
    for (let i = 0; i < 5; i++) for (const client of clients) give(client, 'do');
    await settle();
    await settle();
    const { entries } = await world.operations.state({ path: 'app/counter' });
    expect(entries).toMatchObject([{ message: 15, position: { offset: 15 } }]);
  });

  it('refuses what was made for another version', async () => {
    const { world } = doing(async (_, context) => {
      const shared = context.shared('app/x');
      const first = await shared.set('k', 1, { version: null });
      const second = await shared.set('k', 2, { version: first });
      const late = await shared
        .set('k', 3, { version: first })
        .catch((error: { code: string }) => error.code);
      const there = await shared
        .set('k', 4, { version: null })
        .catch((error: { code: string }) => error.code);
      await shared.set('k', null, { version: second });
      return [late, there, (await shared.get('k')) ?? 'gone', await shared.set('k', 5, { version: null })];
    });
    const client = world.open();
    const uid = give(client, 'do');
    await answers(client);
    give(client, 'do', { uid });
    expect((await answers(client))[uid]).toEqual({ reply: ['state_conflict', 'state_conflict', 'gone', 4] });
  });

  it('is heard by the session that changes it too, unless it asks not to', async () => {
    const { world } = doing(async (_, context) => {
      await context.shared('public-state').change<number>('n', (n) => (n ?? 0) + 1);
      await context.shared('public-state').set('n', 7, { echo: false });
    });
    const client = world.open({ paths: [{ path: 'public-state' }] });
    give(client, 'do');
    await settle();
    expect(client.messages()).toEqual([1]);
  });

  it('is heard by those who follow it', async () => {
    const { world } = doing((_, context) => context.shared('public-state').set('color', 'red'));
    const follower = world.open({ paths: [{ path: 'public-state', state: 'snapshot' }] });
    follower.frames();
    give(world.open(), 'do');
    await settle();
    expect(follower.frames()).toMatchObject([{ key: 'color', message: 'red' }]);
  });

  it('cannot be read on a path that has none', async () => {
    const { world } = doing((_, context) => context.shared('nolog').get('a'));
    const client = world.open();
    const uid = give(client, 'do');
    expect(errorOf(await answers(client), uid)).toBe('handler_failed');
  });
});

describe('messages to sessions', () => {
  it('go to everybody but the sender by broadcast, also to those who come later', async () => {
    const { world } = doing((args, context) => context.broadcast(args));
    const [a, b] = [world.open(), world.open()];
    give(a, 'do', { args: 'first' });
    await settle();
    expect([updatesOf(a), updatesOf(b)]).toEqual([[], [['::all', 'first']]]);
    const late = world.open();
    give(a, 'do', { args: 'second' });
    await settle();
    expect([updatesOf(a), updatesOf(b), updatesOf(late)]).toEqual([
      [],
      [['::all', 'second']],
      [['::all', 'second']],
    ]);
  });

  it('go to some by their ids and users, each once', async () => {
    const { world } = doing((_, context) =>
      context.sendTo({ sessions: [ids[0] as string, 'nobody'], users: ['ann', 'eve'] }, 'psst'),
    );
    const [a, b, c] = [world.open(), world.open(), world.open()] as [Client, Client, Client];
    const ids = [a, b, c].map(({ session }) => session.id);
    world.connect(ids[0] as string, ['x'], 'ann');
    world.connect(ids[1] as string, ['x'], 'ann');
    const uid = give(c, 'do');
    expect((await answers(c))[uid]).toEqual({
      reply: { sent: [ids[0], ids[1]], unknown: ['nobody', 'eve'] },
    });
    expect([updatesOf(a), updatesOf(b), updatesOf(c)]).toEqual([
      [[`::inbox/${ids[0]}`, 'psst']],
      [[`::inbox/${ids[1]}`, 'psst']],
      [],
    ]);
  });

  it('wait for a connection that is away, and arrive once, in order', async () => {
    const { world } = doing(() => null);
    const client = world.open();
    const ticket = client.ticket();
    client.connection.lost();
    for (const message of ['one', 'two', 'three']) {
      await world.directMessages.send(
        { message, text: JSON.stringify(message) },
        { sessions: [client.session.id] },
      );
    }
    const back = world.open({ ticket });
    const frames = back.frames();
    expect(frames.flatMap((frame) => ('type' in frame ? [] : [frame.message]))).toEqual([
      'one',
      'two',
      'three',
    ]);
    const newest = frames.flatMap((frame) => ('ticket' in frame ? [frame.ticket] : []));
    const { position } = frames.at(-1) as { position: { epoch: string; offset: number } };
    back.connection.lost();
    const path = `::inbox/${client.session.id}`;
    const again = world.open({ ticket: newest[0] as string, paths: [{ path, position }] });
    expect(again.messages()).toEqual([]);
  });

  it('are told as lost after a crash', async () => {
    const { world } = doing(() => null);
    const client = world.open();
    const ticket = client.ticket();
    await world.directMessages.send({ message: 1, text: '1' }, { sessions: [client.session.id] });
    const path = `::inbox/${client.session.id}`;
    const { position } = client.frames().at(-1) as { position: { epoch: string; offset: number } };
    const crashed = world.restart();
    const back = crashed.open({ ticket, paths: [{ path, position }] });
    expect(back.told('gap')).toMatchObject([{ path, from: position, reason: 'restarted' }]);
  });

  it('of a session that has ended are nobody’s', async () => {
    const { world } = doing(() => null);
    const client = world.open();
    await world.directMessages.send({ message: 1, text: '1' }, { sessions: [client.session.id] });
    const path = `::inbox/${client.session.id}`;
    const bytes = world.broker.totalBytes;
    client.send({ type: 'close' });
    expect(world.broker.totalBytes).toBeLessThan(bytes);
    const other = world.open({ paths: [{ path, position: null }] });
    expect(other.told('unsubscribed')).toEqual([{ paths: [path], by: 'back_end' }]);
    other.want(path, { path: `::inbox/${other.session.id}` });
    const frames = gathered(other.frames());
    expect(frames).toMatchObject([{ type: 'subscribed' }, { type: 'unsubscribed', paths: [path] }]);
  });
});

describe('grants of a command', () => {
  it('subscribe its session, and are taken back', async () => {
    const { world } = commanded({
      join: { run: (_: never, context) => context.grant('room') },
      leave: { run: (_: never, context) => context.revoke('room') },
    });
    const client = world.open();
    give(client, 'join');
    await settle();
    expect([...client.session.paths.permissions.granted]).toEqual(['room']);
    give(client, 'leave');
    await settle();
    expect([...client.session.paths.permissions.granted]).toEqual([]);
  });
});
