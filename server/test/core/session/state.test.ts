import { describe, expect, it } from 'vitest';
import type { DownFrame } from '../../../../protocol/frames.js';
import { createWorld, LOG, type World } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

/** What tells of the path, briefly: updates as `key=message`, parts of snapshots as their keys, gaps by where they end. */
function brief(frames: readonly DownFrame[]): string[] {
  return frames.flatMap((frame) => {
    if (!('type' in frame)) return [`${frame.key ?? ''}=${JSON.stringify(frame.message)}`];
    if (frame.type === 'gap') return [`gap ${frame.reason} to ${frame.to?.offset}`];
    if (frame.type !== 'state') return [];
    const entries = frame.entries.map(({ key, message }) => `${key}=${String(message).slice(0, 9)}`);
    const ends = `${frame.first ? '[' : ''}${entries.join(' ')}${frame.last ? ']' : ''}`;
    return [`${frame.position.offset}: ${ends}`];
  });
}

/** Keys `a`, `b`, `c` with the messages 1, 2, 3, and then `a` with 4. */
function filled(options: Parameters<typeof createWorld>[0] = {}): World {
  const world = createWorld(options);
  for (const [key, message] of Object.entries({ a: 1, b: 2, c: 3 }))
    world.publish('public', message, { key });
  world.publish('public', 4, { key: 'a' });
  return world;
}

describe('a subscription with a snapshot', () => {
  it('is sent the state at its position, then every change after it', () => {
    const world = filled();
    const client = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    world.clock.turn();
    world.publish('public', 5, { key: 'b' });
    world.publish('public', null, { key: 'c' });
    const frames = client.frames();
    expect(frames[1]).toEqual({ type: 'subscribed', paths: [{ path: 'public', position: at(4) }] });
    expect(brief(frames)).toEqual(['4: [b=2 c=3 a=4]', 'b=5', 'c=null']);
  });

  it('is sent what was published before its turn as changes, and then a state that has them', () => {
    const world = filled();
    const client = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    world.publish('public', 5, { key: 'b' });
    expect(brief(client.frames())).toEqual(['b=5', '5: [c=3 a=4 b=5]']);
  });

  it('is sent an empty state where there is none yet', () => {
    const client = createWorld().open({ paths: [{ path: 'public', state: 'snapshot' }] });
    expect(brief(client.frames())).toEqual(['0: []']);
  });

  it('is sent a large state in parts, and no change between two of them', () => {
    const world = createWorld();
    for (let i = 0; i < 9; i++) world.publish('public', 'x'.repeat(30_000), { key: `k${i}` });
    const client = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    world.clock.turn();
    world.publish('public', 'y', { key: 'k0' });
    const told = brief(client.frames());
    expect(told).toHaveLength(10);
    expect(told[0]).toMatch(/^9: \[k0=x+$/);
    expect(told[8]).toMatch(/^9: k8=x+\]$/);
    expect(told[9]).toBe('k0="y"');
  });

  it('hears a gap and gets another one when the log has gone on without it meanwhile', () => {
    const world = createWorld({ log: { ...LOG, maxUpdates: 2 } });
    for (let i = 0; i < 9; i++) world.publish('public', 'x'.repeat(30_000), { key: `k${i}` });
    const client = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    client.block();
    world.clock.settle();
    client.connection.outbox.unblock(); // for one helping: the first parts
    world.clock.settle();
    for (let i = 0; i < 5; i++) world.publish('public', 'y', { key: `k${i}` });
    client.unblock();
    const told = brief(client.frames());
    expect(told.slice(0, 9).filter((part) => !part.startsWith('9: '))).toEqual([]);
    expect(told[9]).toBe('gap evicted to 14');
    expect(told[10]).toMatch(/^14: \[k5=x+$/);
    expect(told.at(-1)).toMatch(/k0=y k1=y k2=y k3=y k4=y\]$/);
  });

  it('is sent its replay first when it names a position', () => {
    const world = filled();
    const client = world.open({ paths: [{ path: 'public', position: at(2), state: 'snapshot' }] });
    expect(brief(client.frames())).toEqual(['c=3', 'a=4', '4: [b=2 c=3 a=4]']);
  });

  it('gets every key, also those that were kept from it as updates', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    world.publish('public', 1, { key: 'a', sender: client.session.id });
    world.publish('public', 2, { key: 'b', except: [client.session.id] });
    client.want({ path: 'public', state: 'snapshot' });
    expect(brief(client.frames())).toEqual(['2: [a=1 b=2]']);
  });

  it('may begin on a path that is subscribed already, behind what is owed', () => {
    const world = filled();
    const client = world.open({ paths: [{ path: 'public', position: at(3) }] });
    client.want({ path: 'public', state: 'snapshot' });
    world.publish('public', 5, { key: 'b' });
    expect(brief(client.frames())).toEqual(['a=4', 'b=5', '5: [c=3 a=4 b=5]']);
    client.want({ path: 'public', state: 'snapshot' });
    expect(brief(client.frames())).toEqual(['5: [c=3 a=4 b=5]']);
  });

  it('is pending as it was asked for, until the back end grants it', () => {
    const world = createWorld();
    world.publish('granted', 1, { key: 'a' });
    const client = world.open({ paths: [{ path: 'granted', state: 'snapshot' }] });
    world.connect(client.session.id, ['granted']);
    expect(brief(client.frames())).toEqual(['1: [a=1]']);
  });

  it('shares its frames with all that read the same state', () => {
    const world = filled();
    const clients = [1, 2, 3].map(() => world.open({ paths: [{ path: 'public', state: 'snapshot' }] }));
    const state = world.broker.join('public')?.state;
    const frame = state?.snapshot('public', at(4)).part(0).frame;
    world.clock.settle();
    expect(state?.snapshot('public', at(4)).part(0).frame).toBe(frame);
    for (const client of clients) expect(brief(client.frames())).toEqual(['4: [b=2 c=3 a=4]']);
  });
});

describe('a snapshot that is cut off', () => {
  const cut = () => {
    const world = createWorld();
    for (let i = 0; i < 9; i++) world.publish('public', 'x'.repeat(30_000), { key: `k${i}` });
    const client = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    const ticket = client.ticket();
    client.block();
    client.want({ path: 'public', state: 'snapshot' });
    world.clock.settle();
    client.connection.outbox.unblock();
    world.clock.settle();
    return { world, client, ticket, subscription: client.session.paths.subscriptions.get('public') };
  };

  it('is kept by nobody once its connection is lost', () => {
    const { client, subscription } = cut();
    expect(subscription?.state?.snapshot).not.toBeNull();
    client.connection.lost();
    expect(subscription?.state).toEqual({ isDue: true, snapshot: null, part: 0 });
  });

  it('begins anew with the next connection', () => {
    const { world, client, ticket } = cut();
    client.connection.lost();
    const told = brief(world.open({ ticket }).frames());
    expect(told).toHaveLength(9);
    expect(told[0]).toMatch(/^9: \[k0=x+$/);
  });
});

describe('a subscription that knows the state', () => {
  const resumed = (world: World, position = at(3)) =>
    world.open({ paths: [{ path: 'public', position, state: 'changes' }] });

  it('is sent changes only, as far as the log reaches', () => {
    expect(brief(resumed(filled()).frames())).toEqual(['a=4']);
  });

  it('is told one gap to the present where the log does not reach, nothing of the log, and the state', () => {
    const world = filled({ log: { ...LOG, maxUpdates: 2 } });
    expect(brief(resumed(world, at(1)).frames())).toEqual(['gap evicted to 4', '4: [b=2 c=3 a=4]']);
    expect(brief(resumed(world, at(40, 'epoch000')).frames())).toEqual([
      'gap restarted to 4',
      '4: [b=2 c=3 a=4]',
    ]);
  });

  it('gets a snapshot after a resume that does not name the path', () => {
    const world = filled();
    const client = resumed(world, at(4));
    const ticket = client.ticket();
    client.connection.lost();
    world.publish('public', 5, { key: 'b' });
    expect(brief(world.open({ ticket }).frames())).toEqual(['b=5', '5: [c=3 a=4 b=5]']);
  });

  it('follows no more when it comes back without a word of the state', () => {
    const world = filled({ log: { ...LOG, maxUpdates: 2 } });
    const client = resumed(world, at(4));
    const ticket = client.ticket();
    client.connection.lost();
    const again = world.open({ ticket, paths: [{ path: 'public', position: at(1) }] });
    expect(brief(again.frames())).toEqual(['gap evicted to 2', 'c=3', 'a=4']);
  });
});

describe('a path that is asked for with its state', () => {
  it('is not begun to be kept as long as nobody granted it', () => {
    const world = createWorld({ settings: { maxSubscriptions: 2 } });
    const client = world.open();
    const held: string[] = [];
    const join = world.broker.join.bind(world.broker);
    world.broker.join = (path) => {
      held.push(path);
      return join(path);
    };
    for (let i = 0; i < 5; i++) client.want({ path: `secret/${i}`, state: 'snapshot' });
    expect(held).toEqual([]);
    expect(client.frames().map((frame) => 'type' in frame && frame.type)).toEqual([
      ...['opened', 'pending', 'pending', 'refused', 'refused', 'refused'],
    ]);
  });
});

describe('a path without a state', () => {
  it('refuses to be followed, and leaves what is subscribed as it is', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public-nolog', state: 'snapshot' }, { path: 'public' }] });
    expect(client.told('refused')).toMatchObject([{ paths: [{ path: 'public-nolog', code: 'no_state' }] }]);
    expect(world.dispatcher.paths.has('public-nolog')).toBe(false);
    client.want({ path: 'nolog', state: 'snapshot' });
    expect(client.frames()).toMatchObject([
      { type: 'refused', paths: [{ path: 'nolog', code: 'no_state' }] },
    ]);
    client.want('public-nolog');
    client.want({ path: 'public-nolog', state: 'changes' });
    expect(client.told('refused')).toMatchObject([{ paths: [{ code: 'no_state' }] }]);
    world.publish('public-nolog', 1);
    expect(client.messages()).toEqual([1]);
    const ticket = world.tickets.issue({
      ...{ id: client.session.id, connection: 1, issuedAt: world.clock.now(), user: null },
      ...{ grants: [], denied: [], login: null, identity: null },
    });
    const again = world.open({ ticket, paths: [{ path: 'public-nolog', position: null, state: 'changes' }] });
    expect(again.frames().slice(1)).toMatchObject([
      { type: 'subscribed', paths: [{ path: 'public' }, { path: 'public-nolog' }] },
      { type: 'refused', paths: [{ code: 'no_state' }] },
      { type: 'gap', reason: 'no_log' },
    ]);
  });
});
