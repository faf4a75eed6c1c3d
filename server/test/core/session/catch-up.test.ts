import { describe, expect, it } from 'vitest';
import { createWorld, isRandom, LOG } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

/** A world whose path `public` has updates 1 to `count`. */
function worldWith(count: number, options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options);
  for (let i = 1; i <= count; i++) world.publish('public', i);
  return world;
}

describe('a subscription that is behind', () => {
  it('replays what was missed before anything live', () => {
    const world = worldWith(3);
    const client = world.open({ paths: [{ path: 'public', position: at(1) }] });
    world.publish('public', 4);
    expect(client.messages()).toEqual([2, 3, 4]);
    world.publish('public', 5);
    expect(client.messages()).toEqual([5]);
  });

  it('becomes live in the same step that reaches the end of the log', () => {
    const world = worldWith(3);
    const client = world.open({ paths: [{ path: 'public', position: at(0) }] });
    const subscription = client.session.paths.subscriptions.get('public');
    expect(subscription?.isLive).toBe(false);
    for (let turns = 0; turns < (isRandom ? 9 : 1) && !subscription?.isLive; turns++) world.clock.turn();
    expect(subscription?.isLive).toBe(true);
    if (isRandom) world.clock.turn();
    expect(client.carrier.take()).toHaveLength(5);
  });

  it('is told its gap before anything else of the path', () => {
    const world = worldWith(10, { log: { ...LOG, maxUpdates: 3 } });
    const client = world.open({ paths: [{ path: 'public', position: at(2) }] });
    const frames = client.frames();
    expect(frames.slice(1, 3)).toEqual([
      { type: 'subscribed', paths: [{ path: 'public', position: at(2) }] },
      { type: 'gap', path: 'public', from: at(2), to: at(7), reason: 'evicted' },
    ]);
    expect(frames.slice(3)).toMatchObject([{ message: 8 }, { message: 9 }, { message: 10 }]);
  });

  it('is told of what is evicted between the gap and the reading too', () => {
    const world = worldWith(10, { log: { ...LOG, maxUpdates: 3 } });
    const client = world.open({ paths: [{ path: 'public', position: at(2) }] }, { isBlocked: true });
    for (let i = 11; i <= 15; i++) world.publish('public', i);
    client.unblock();
    const frames = client.frames().slice(2);
    expect(frames[0]).toEqual({ type: 'gap', path: 'public', from: at(2), to: at(12), reason: 'evicted' });
    expect(frames.slice(1)).toMatchObject([{ message: 13 }, { message: 14 }, { message: 15 }]);
  });

  it('is told one gap where the epoch is another, then all that the log holds, then what is live', () => {
    const world = worldWith(2);
    const client = world.open({ paths: [{ path: 'public', position: at(40, 'epoch000') }] });
    world.publish('public', 3);
    const frames = client.frames().slice(2);
    const gap = { type: 'gap', path: 'public', from: at(40, 'epoch000'), to: at(0), reason: 'restarted' };
    expect(frames).toMatchObject([gap, { message: 1 }, { message: 2 }, { message: 3 }]);
  });

  it('is told "no_log" once, after an interruption of a path without a log', () => {
    const world = createWorld();
    const first = world.open({ paths: [{ path: 'public-nolog' }] });
    world.publish('public-nolog', 1);
    const ticket = first.ticket();
    first.connection.lost();
    world.publish('public-nolog', 2);
    const second = world.open({ ticket, paths: [{ path: 'public-nolog', position: null }] });
    world.publish('public-nolog', 3);
    const frames = second.frames().slice(1);
    expect(frames[0]).toEqual({ type: 'subscribed', paths: [{ path: 'public-nolog', position: null }] });
    expect(frames[1]).toEqual({ type: 'gap', path: 'public-nolog', from: null, to: null, reason: 'no_log' });
    world.publish('public-nolog', 4);
    expect(second.messages()).toEqual([4]);
  });

  it('reads at most about 64 KB a turn, path after path', () => {
    const world = createWorld();
    const text = 'x'.repeat(10_000);
    for (let i = 0; i < 20; i++) world.publish('public/a', text);
    for (let i = 0; i < 20; i++) world.publish('public/b', text);
    const paths = ['a', 'b'].map((name, i) => ({
      path: `public/${name}`,
      position: at(0, `epoch00${i + 1}`),
    }));
    const client = world.open({ paths });
    const perTurn: string[][] = [];
    while (world.clock.isBusy) {
      world.clock.turn();
      perTurn.push(client.carrier.take().flatMap((frame) => ('type' in frame ? [] : [frame.path])));
    }
    if (!isRandom) {
      expect(perTurn[0]).toEqual(Array(7).fill('public/a'));
      expect(perTurn[1]).toEqual(Array(7).fill('public/b'));
    }
    expect(perTurn.every((paths) => paths.length <= 8)).toBe(true);
    expect(perTurn.flat()).toHaveLength(40);
  });

  it('reads nothing while the wire is blocked', () => {
    const world = worldWith(5);
    const client = world.open({ paths: [{ path: 'public', position: at(0) }] }, { isBlocked: true });
    expect(client.frames()).toEqual([]);
    client.unblock();
    expect(client.messages()).toEqual([1, 2, 3, 4, 5]);
  });

  it('passes over what is hidden from its session, as live delivery does', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    const ticket = client.ticket();
    const { id } = client.session;
    client.connection.lost();
    world.publish('public', 1);
    world.publish('public', 2, { except: [id] });
    world.publish('public', 3, { sender: id });
    world.publish('public', 4, { except: ['another'] });
    const again = world.open({ ticket });
    expect(again.messages()).toEqual([1, 4]);
    world.publish('public', 5, { except: [id] });
    world.publish('public', 6);
    expect(again.messages()).toEqual([6]);
  });
});

describe('a slow reader', () => {
  const settings = { outbox: { maxFrames: 10, maxBytes: 1024 * 1024 } };

  it('gets everything in order once it reads again, from the log', () => {
    const world = createWorld({ settings });
    const client = world.open({ paths: [{ path: 'public' }] });
    client.frames();
    client.block();
    world.publish('public', 1);
    world.clock.settle();
    for (let i = 2; i <= 100; i++) world.publish('public', i);
    expect(client.messages()).toEqual([1]);
    expect(world.counters.slow).toBe(1);
    client.unblock();
    expect(client.messages()).toEqual(Array.from({ length: 99 }, (_, i) => i + 2));
    world.publish('public', 101);
    expect(client.messages()).toEqual([101]);
  });

  it('is told a gap where the log no longer holds what it missed', () => {
    const world = createWorld({ settings, log: { ...LOG, maxUpdates: 20 } });
    const client = world.open({ paths: [{ path: 'public' }] });
    client.frames();
    client.block();
    world.publish('public', 1);
    world.clock.settle();
    for (let i = 2; i <= 100; i++) world.publish('public', i);
    client.unblock();
    const frames = client.frames();
    expect(frames.slice(0, 11)).toMatchObject(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((message) => ({ message })),
    );
    expect(frames[11]).toEqual({ type: 'gap', path: 'public', from: at(11), to: at(80), reason: 'evicted' });
    expect(frames.slice(12)).toHaveLength(20);
    expect(frames.at(-1)).toMatchObject({ message: 100, position: at(100) });
  });

  it('is told "no_log" on a path without a log, and goes on live', () => {
    const world = createWorld({ settings });
    const client = world.open({ paths: [{ path: 'public-nolog' }] });
    client.frames();
    client.block();
    for (let i = 1; i <= 20; i++) world.publish('public-nolog', i);
    world.clock.settle();
    client.unblock();
    const frames = client.frames();
    expect(frames).toHaveLength(11);
    expect(frames.at(-1)).toEqual({
      type: 'gap',
      path: 'public-nolog',
      from: null,
      to: null,
      reason: 'no_log',
    });
    world.publish('public-nolog', 21);
    expect(client.messages()).toEqual([21]);
  });

  it('costs only itself', () => {
    const world = createWorld({ settings });
    const [slow, quick] = [1, 2].map(() => world.open({ paths: [{ path: 'public' }] }));
    slow?.frames();
    slow?.block();
    const heard: unknown[] = [];
    for (let i = 1; i <= 50; i++) {
      world.publish('public', i);
      heard.push(...(quick?.messages() ?? []));
    }
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it('that causes more answers than it reads is closed, to resume', () => {
    const world = createWorld({ settings });
    const client = world.open();
    client.frames();
    client.block();
    for (let n = 1; n <= 20; n++) client.send({ type: 'unsubscribe', n, paths: ['contacts'] });
    world.clock.settle();
    expect(client.carrier.closing).toMatchObject({ code: 4002 });
    expect(client.frames().at(-1)).toMatchObject({ type: 'closing', code: 4002 });
    expect(client.session.isEnded).toBe(false);
  });
});
