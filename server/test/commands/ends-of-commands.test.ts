/** Commands that take too long, are given again, or whose session ends. */
import { describe, expect, it } from 'vitest';
import { answers, codeOf, commanded, deferred, give, settle } from './commanded-world.js';

describe('a command that takes too long', () => {
  it('ends as a timeout, and its signal is aborted', async () => {
    const signals: AbortSignal[] = [];
    const { world, lines } = commanded({
      wait: {
        run: (_: never, { signal }) => {
          signals.push(signal);
          return new Promise(() => undefined);
        },
      },
    });
    const client = world.open();
    const uid = give(client, 'wait', { timeoutMs: 2_000 });
    expect(await answers(client)).toEqual({});
    world.clock.advance(2_600);
    expect(codeOf((await answers(client))[uid])).toBe('timeout');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(lines.map(({ message }) => message)).toEqual(['a command took too long']);
  });

  it('has its place until its handler is done, whatever the client has time for', async () => {
    const gate = deferred();
    let begun = 0;
    const { world } = commanded({
      wait: { ordered: true, run: () => (begun++ === 0 ? gate.promise : 'next') },
    });
    const client = world.open();
    for (let i = 0; i < 16; i++) give(client, 'wait', { timeoutMs: 1_000 });
    const late = give(client, 'wait', { timeoutMs: 20_000 });
    expect(codeOf((await answers(client))[late])).toBe('too_many_commands');
    world.clock.advance(1_600);
    await answers(client);
    const next = give(client, 'wait', { timeoutMs: 20_000 });
    await answers(client);
    expect(begun).toBe(1);
    gate.keep('first');
    await settle();
    expect((await answers(client))[next]).toEqual({ reply: 'next' });
    expect(begun).toBe(2);
  });

  it('gives its place up when its handler has had all the time that the server allows', async () => {
    let begun = 0;
    const { world, commands } = commanded({
      wait: { ordered: true, run: () => (begun++ === 0 ? new Promise(() => undefined) : 'next') },
    });
    const client = world.open();
    give(client, 'wait', { timeoutMs: 10_000 });
    world.clock.advance(5_000);
    const next = give(client, 'wait');
    world.clock.advance(6_000);
    world.sessions.heard(client.session, client.connection);
    world.clock.advance(18_000);
    world.sessions.heard(client.session, client.connection);
    let isSettled = false;
    void commands.settled().then(() => {
      isSettled = true;
    });
    await answers(client);
    expect([begun, isSettled]).toEqual([1, false]);
    world.clock.advance(2_000);
    const told = await answers(client);
    expect([told[next], begun]).toEqual([{ reply: 'next' }, 2]);
  });

  it('is answered once, though its handler is done later', async () => {
    const gate = deferred();
    const { world } = commanded({ wait: { run: () => gate.promise } });
    const client = world.open();
    const uid = give(client, 'wait', { timeoutMs: 1_000 });
    world.clock.advance(1_600);
    expect(codeOf((await answers(client))[uid])).toBe('timeout');
    gate.keep('late');
    expect(await answers(client)).toEqual({});
  });

  it('may not take longer than the server allows', async () => {
    const { world } = commanded({ wait: { run: () => new Promise(() => undefined) } });
    const client = world.open();
    const uid = give(client, 'wait', { timeoutMs: 10 * 60_000 });
    world.clock.advance(31_000);
    expect(codeOf((await answers(client))[uid])).toBe('timeout');
  });
});

describe('a command that is given again', () => {
  it('joins the one that runs', async () => {
    const gate = deferred();
    let begun = 0;
    const { world } = commanded({
      wait: {
        run: () => {
          begun++;
          return gate.promise;
        },
      },
    });
    const client = world.open();
    const uid = give(client, 'wait');
    const ticket = client.ticket();
    client.connection.lost();
    const back = world.open({ ticket });
    give(back, 'wait', { uid, again: true });
    gate.keep(5);
    expect(await answers(back)).toEqual({ [uid]: { reply: 5 } });
    expect(begun).toBe(1);
  });

  it('gets the answer that was lost with its connection, without running again', async () => {
    let begun = 0;
    const { world } = commanded({ count: { run: () => ++begun } });
    const client = world.open();
    const ticket = client.ticket();
    const uid = give(client, 'count');
    await settle();
    client.connection.lost();
    const back = world.open({ ticket });
    give(back, 'count', { uid, again: true });
    expect(await answers(back)).toEqual({ [uid]: { reply: 1 } });
    expect(begun).toBe(1);
  });

  it('with other arguments is refused', async () => {
    const { world } = commanded({ say: {} });
    const client = world.open();
    const uid = give(client, 'say', { args: { a: 1 } });
    expect(await answers(client)).toEqual({ [uid]: { reply: null } });
    for (const other of [{ args: { a: 2 } }, { path: 'public/2' }, { command: 'tell' }]) {
      give(client, 'say', { uid, args: { a: 1 }, ...other });
      expect(codeOf((await answers(client))[uid])).toBe('uid_reused');
    }
  });

  it('with arguments that are nested deep is refused, and ends nothing', async () => {
    const { world } = commanded({ say: { authorize: () => false } });
    const client = world.open();
    const uid = give(client, 'say');
    await answers(client);
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    give(client, 'say', { uid, args: deep });
    expect(codeOf((await answers(client))[uid])).toBe('bad_args');
  });

  it('gets its answer though its handler has changed its arguments', async () => {
    const { world } = commanded({
      say: {
        run: (args: { text: string }) => {
          args.text = 'changed';
          return 1;
        },
      } as never,
    });
    const client = world.open();
    const uid = give(client, 'say', { args: { text: 'as sent' } });
    await answers(client);
    give(client, 'say', { uid, args: { text: 'as sent' }, again: true });
    expect((await answers(client))[uid]).toEqual({ reply: 1 });
  });

  it('and is not known runs only if it is idempotent', async () => {
    let begun = 0;
    const { world } = commanded({ count: { run: () => ++begun } });
    const client = world.open();
    const once = give(client, 'count', { again: true });
    const often = give(client, 'count', { again: true, idempotent: true });
    const told = await answers(client);
    expect([codeOf(told[once]), told[often]]).toEqual(['disconnected', { reply: 1 }]);
  });

  it('is not known any more when its answer has been kept for long enough', async () => {
    let begun = 0;
    const { world } = commanded({ count: { run: () => ++begun } });
    const client = world.open();
    const uid = give(client, 'count');
    await answers(client);
    for (let i = 0; i < 13; i++) {
      world.clock.advance(20_000);
      world.sessions.heard(client.session, client.connection);
    }
    give(client, 'count', { uid, again: true });
    expect(codeOf((await answers(client))[uid])).toBe('disconnected');
  });

  it('tells a client after a crash, and not after a handoff, that nothing is known of its frames', () => {
    const { world } = commanded({});
    const ticket = world.open().ticket();
    const crashed = world.restart();
    const back = crashed.open({ ticket });
    expect(back.told('opened')).toMatchObject([{ resumed: true, forgot: true }]);
    const again = crashed.open({ ticket });
    expect(again.told('opened')).toMatchObject([{ forgot: true }]);
    give(again, 'anything');
    expect(crashed.open({ ticket }).told('opened')[0]).not.toHaveProperty('forgot');
    const { world: stopped } = commanded({});
    const stoppedTicket = stopped.open().ticket();
    expect(stopped.handOver().open({ ticket: stoppedTicket }).told('opened')[0]).not.toHaveProperty('forgot');
  });
});

describe('a server that stops', () => {
  it('begins nothing more, and answers nobody', async () => {
    const gate = deferred();
    const begun: unknown[] = [];
    const { world, commands } = commanded({
      wait: {
        ordered: true,
        run: (args) => {
          begun.push(args);
          return gate.promise;
        },
      },
    });
    const client = world.open();
    give(client, 'wait', { args: 1 });
    give(client, 'wait', { args: 2 });
    await settle();
    commands.freeze();
    gate.keep('done');
    await settle();
    expect([begun, await answers(client)]).toEqual([[1], {}]);
  });
});

describe('a session that ends', () => {
  it('has its hooks run, with what it was, whether or not it gave commands', () => {
    const ended: unknown[] = [];
    const { world, lines } = commanded({
      a: { onSessionEnd: ({ id, user }) => void ended.push([id, user]) },
      b: {
        onSessionEnd: () => {
          throw new Error('b fails');
        },
      },
      c: { onSessionEnd: async () => Promise.reject(new Error('c fails')) },
      d: { onSessionEnd: ({ id }) => void ended.push(id) },
    });
    const client = world.open();
    world.connect(client.session.id, ['x'], 'ann');
    client.send({ type: 'close' });
    expect(ended).toEqual([[client.session.id, 'ann'], client.session.id]);
    expect(lines.map(({ fields }) => fields['handler'])).toContain('b.ts');
  });

  it('lets its hooks tell others, and not itself', async () => {
    const { world } = commanded({
      leave: { onSessionEnd: ({ user }, { update }) => void update('public', `${user} left`) },
    });
    const [client, other] = [world.open(), world.open({ paths: [{ path: 'public' }] })];
    world.connect(client.session.id, ['x'], 'ann');
    client.send({ type: 'close' });
    await settle();
    expect(other.messages()).toEqual(['ann left']);
  });

  it('has the signals of its commands aborted, and what waits never begins', async () => {
    const signals: AbortSignal[] = [];
    const { world } = commanded({
      wait: {
        ordered: true,
        run: (_: never, { signal }) => {
          signals.push(signal);
          return new Promise(() => undefined);
        },
      },
    });
    const client = world.open();
    give(client, 'wait');
    give(client, 'wait');
    await settle();
    client.send({ type: 'close' });
    await settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('is told nothing more by a handler that is done later, and nothing is left of it', async () => {
    const gate = deferred();
    const { world, commands } = commanded({ wait: { run: () => gate.promise } });
    const client = world.open();
    give(client, 'wait');
    await settle();
    client.send({ type: 'close' });
    client.frames();
    gate.keep(1);
    expect(await answers(client)).toEqual({});
    await commands.settled();
  });
});
