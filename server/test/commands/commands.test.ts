import { describe, expect, it } from 'vitest';
import { z } from '../../src/commands/index.js';
import { Refused } from '../../src/commands/modules/refused.js';
import { answers, codeOf, commanded, deferred, give, settle } from './commanded-world.js';

const fail = (): never => {
  throw new Error('no');
};

describe('a command', () => {
  it('is answered with what its handler returns, by its uid', async () => {
    const { world } = commanded({ add: { run: ({ a, b }: { a: number; b: number }) => a + b } as never });
    const client = world.open();
    const uid = give(client, 'add', { args: { a: 1, b: 2 } });
    expect(await answers(client)).toEqual({ [uid]: { reply: 3 } });
  });

  it('is answered with null where its handler returns nothing', async () => {
    const { world } = commanded({ say: { run: () => undefined } });
    const client = world.open();
    const uid = give(client, 'say');
    expect(await answers(client)).toEqual({ [uid]: { reply: null } });
  });

  it('that is unknown is told so', async () => {
    const { world } = commanded({});
    const client = world.open();
    const uid = give(client, 'nothing');
    expect(codeOf((await answers(client))[uid])).toBe('unknown_command');
  });

  it('on a path that is none, or the server’s own, is told so', async () => {
    const { world } = commanded({ say: {} });
    const client = world.open();
    const bad = give(client, 'say', { path: 'a*' });
    const reserved = give(client, 'say', { path: '::all' });
    const told = await answers(client);
    expect([codeOf(told[bad]), codeOf(told[reserved])]).toEqual(['bad_path', 'reserved_path']);
  });

  it('finds the module whose pattern matches its path, the first in order', async () => {
    const { world } = commanded({
      a: { command: 'say', pattern: 'public/{room}', run: (_: never, { captured }) => ['a', captured] },
      b: { command: 'say', run: () => 'b' },
    });
    const client = world.open();
    const first = give(client, 'say', { path: 'public/7' });
    const second = give(client, 'say', { path: 'public' });
    expect(await answers(client)).toEqual({
      [first]: { reply: ['a', { room: '7' }] },
      [second]: { reply: 'b' },
    });
  });

  it('whose handler throws tells its caller no more than that, and the log all', async () => {
    const { world, lines } = commanded({
      say: {
        run: () => {
          throw new Error('the password is 1234');
        },
      },
    });
    const client = world.open();
    const uid = give(client, 'say');
    const told = await answers(client);
    expect(codeOf(told[uid])).toBe('handler_failed');
    expect(JSON.stringify(told)).not.toContain('1234');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({ handler: 'say.ts', error: expect.stringContaining('1234') });
  });

  it('that is refused tells its caller what the handler chose to say', async () => {
    const { world } = commanded({
      say: {
        async run() {
          throw new Refused('The room is full.', { reason: 'room_full', data: { seats: 8 } });
        },
      },
    });
    const client = world.open();
    const uid = give(client, 'say');
    expect(await answers(client)).toEqual({
      [uid]: {
        error: { code: 'refused', message: 'The room is full.', reason: 'room_full', data: { seats: 8 } },
      },
    });
  });

  it('is refused as a refusal though another copy of the package threw it', async () => {
    const brand = Symbol.for('dobby.refused');
    const { world } = commanded({
      say: {
        run: () => {
          throw Object.assign(new Error('No.'), { [brand]: true });
        },
      },
    });
    const client = world.open();
    const uid = give(client, 'say');
    expect(await answers(client)).toEqual({ [uid]: { error: { code: 'refused', message: 'No.' } } });
  });

  it.each([
    ['undefined', () => undefined, false],
    [
      'a circle',
      () => {
        const circle: unknown[] = [];
        circle.push(circle);
        return circle;
      },
      true,
    ],
    ['a function', () => () => 1, true],
    ['a big integer', () => 1n, true],
    ['more than 64 KB', () => 'x'.repeat(64 * 1024), true],
  ])('whose reply is %s is answered all the same', async (_what, run, isFailure) => {
    const { world, lines } = commanded({ say: { run: () => run() } });
    const client = world.open();
    const uid = give(client, 'say');
    const told = (await answers(client))[uid];
    expect(codeOf(told) === 'handler_failed').toBe(isFailure);
    expect(lines).toHaveLength(isFailure ? 1 : 0);
  });

  it.each([
    ['nothing', () => undefined],
    ['an object without a prototype', () => Object.create(null)],
    ['something that cannot be shown', () => new Proxy({}, { get: fail, getPrototypeOf: fail })],
    ['an error without a stack', () => Object.assign(new Error('x'), { stack: undefined })],
  ])('whose handler throws %s fails, whether at once or later', async (_what, thrown) => {
    const { world, lines } = commanded({
      now: {
        run: () => {
          throw thrown();
        },
      },
      later: { run: () => Promise.reject(thrown()) },
      end: {
        onSessionEnd: () => {
          throw thrown();
        },
      },
    });
    const client = world.open();
    const uids = [give(client, 'now'), give(client, 'later')];
    const told = { ...(await answers(client)), ...(await answers(client)) };
    expect(uids.map((uid) => codeOf(told[uid]))).toEqual(['handler_failed', 'handler_failed']);
    client.send({ type: 'close' });
    expect(lines).toHaveLength(3);
    expect(world.registry.get(client.session.id)).toBeUndefined();
  });

  it('whose refusal has data that are no JSON value is refused without them', async () => {
    const { world } = commanded({
      say: {
        run: () => {
          throw new Refused('No.', { data: 1n as never });
        },
      },
    });
    const client = world.open();
    const uid = give(client, 'say');
    expect(await answers(client)).toEqual({ [uid]: { error: { code: 'refused', message: 'No.' } } });
  });
});

describe('arguments', () => {
  const args = z.strictObject({ text: z.string(), to: z.array(z.strictObject({ id: z.int() })).optional() });

  it('that are not what the schema says are refused with the field at fault, and the handler does not run', async () => {
    let ran = 0;
    const { world } = commanded({ say: { args, run: () => ran++ } as never });
    const client = world.open();
    const uids = [
      give(client, 'say', { args: { text: 1 } }),
      give(client, 'say', { args: { text: 'a', to: [{ id: 1 }, { id: 'b' }] } }),
      give(client, 'say'),
      give(client, 'say', { args: 'text' }),
      give(client, 'say', { args: { text: 'a', txt: 1 } }),
    ];
    const told = await answers(client);
    const fields = uids.map((uid) => (told[uid] as { error: { code: string; field: string } }).error);
    expect(fields.map(({ code, field }) => [code, field])).toEqual([
      ['bad_args', 'args.text'],
      ['bad_args', 'args.to.1.id'],
      ['bad_args', 'args.text'],
      ['bad_args', 'args'],
      ['bad_args', 'args.txt'],
    ]);
    expect(ran).toBe(0);
  });

  it('that are larger than a frame may be are refused, by whatever way they came', async () => {
    const { world } = commanded({ say: {} });
    const client = world.open();
    const uid = give(client, 'say', { args: 'x'.repeat(70_000) });
    expect(codeOf((await answers(client))[uid])).toBe('too_large');
  });

  it('that are nested too deep to be written again are refused', async () => {
    const { world } = commanded({ say: {} });
    const client = world.open();
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    const uid = give(client, 'say', { args: deep });
    expect(codeOf((await answers(client))[uid])).toBe('bad_args');
  });
});

describe('who may give a command', () => {
  it('is, where the handler says nothing, who may hear its path', async () => {
    const { world } = commanded({ say: {} });
    const client = world.open();
    const before = give(client, 'say', { path: 'secret' });
    world.connect(client.session.id, ['secret']);
    const after = give(client, 'say', { path: 'secret' });
    const told = await answers(client);
    expect([codeOf(told[before]), told[after]]).toEqual(['not_allowed', { reply: null }]);
  });

  it('is what the handler says, which may wait and refuse', async () => {
    const { world } = commanded({
      open: { authorize: () => true, run: () => 1 },
      closed: { authorize: async () => false },
      vague: { authorize: () => 'yes' as never },
      refused: {
        authorize: () => {
          throw new Refused('Log in first.');
        },
      },
    });
    const client = world.open();
    const uids = ['open', 'closed', 'vague', 'refused'].map((name) => give(client, name, { path: 'secret' }));
    const told = await answers(client);
    expect(uids.map((uid) => codeOf(told[uid]))).toEqual([
      undefined,
      'not_allowed',
      'not_allowed',
      'refused',
    ]);
  });
});

describe('many commands', () => {
  it('run side by side, up to 16, and one more is too many', async () => {
    const gates = Array.from({ length: 17 }, () => deferred());
    let begun = 0;
    const { world } = commanded({ wait: { run: () => gates[begun++]?.promise }, quick: { run: () => 1 } });
    const client = world.open();
    const uids = gates.map(() => give(client, 'wait'));
    expect(codeOf((await answers(client))[uids[16] as string])).toBe('too_many_commands');
    expect(begun).toBe(16);
    gates[3]?.keep('done');
    expect(await answers(client)).toEqual({ [uids[3] as string]: { reply: 'done' } });
    const quick = give(client, 'quick');
    expect(await answers(client)).toEqual({ [quick]: { reply: 1 } });
  });

  it('of one session do not hold up those of another', async () => {
    const { world } = commanded({
      wait: { run: () => new Promise(() => undefined) },
      quick: { run: () => 1 },
    });
    const sleepy = world.open();
    for (let i = 0; i < 20; i++) give(sleepy, 'wait');
    const other = world.open();
    const uid = give(other, 'quick');
    expect(await answers(other)).toEqual({ [uid]: { reply: 1 } });
  });

  it('are so many a second of a session, and those above are told so', async () => {
    const { world } = commanded({ say: {} }, { maxPerSecond: 10 });
    const client = world.open();
    const told: unknown[] = [];
    for (let i = 0; i < 25; i++) {
      const uid = give(client, 'say');
      told.push(codeOf((await answers(client))[uid]));
    }
    expect(told).toEqual([...Array(10).fill(undefined), ...Array(15).fill('too_many_commands')]);
    world.clock.advance(1_000);
    const uid = give(client, 'say');
    expect((await answers(client))[uid]).toEqual({ reply: null });
    expect(world.counters).toMatchObject({ commands: 26, tooManyCommands: 15 });
  });

  it('of one session and path wait for each other where the handler is ordered', async () => {
    const gates = [deferred(), deferred(), deferred()];
    const begun: number[] = [];
    const { world } = commanded({
      say: {
        ordered: true,
        run: (i: number) => {
          begun.push(i);
          return gates[i]?.promise;
        },
      } as never,
    });
    const client = world.open();
    const uids = [0, 1].map((args) => give(client, 'say', { args }));
    const elsewhere = give(client, 'say', { args: 2, path: 'public/other' });
    await settle();
    expect(begun).toEqual([0, 2]);
    gates[2]?.keep(2);
    gates[0]?.keep(0);
    await answers(client);
    expect(begun).toEqual([0, 2, 1]);
    gates[1]?.keep(1);
    expect(await answers(client)).toEqual({ [uids[1] as string]: { reply: 1 } });
    expect(elsewhere).not.toBe('');
  });
});

describe('the list of sessions', () => {
  it('knows when each gave its last command', () => {
    const { world } = commanded({ say: {} });
    const client = world.open();
    expect(client.session.lastCommandAt).toBeNull();
    world.clock.advance(5_000);
    give(client, 'say');
    expect(client.session.lastCommandAt).toBe(world.clock.now());
  });
});
