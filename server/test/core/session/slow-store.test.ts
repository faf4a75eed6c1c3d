/** What a store that is slow, or down for a while, must not do to those who hear and to those who ask. */
import { describe, expect, it } from 'vitest';
import type { Position } from '../../../../protocol/positions.js';
import { HeldBroker } from '../../support/held-broker.js';
import { type Client, createWorld, type World, type WorldOptions } from '../../support/world.js';

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
};

function setUp(options: WorldOptions = {}): { world: World; broker: HeldBroker; client: Client } {
  const world = createWorld({ ...options, broker: (given) => new HeldBroker(given) });
  return { world, broker: world.broker as HeldBroker, client: world.open() };
}

/** Lets answers come, and all that is due. */
async function run(world: World): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await settled();
    world.clock.settle();
  }
}

/** Lets time pass with a store that fails. */
async function pass(world: World, ms: number): Promise<void> {
  for (let i = 0; i < ms / 250; i++) {
    world.clock.advance(250);
    await settled();
  }
}

async function startOf(world: World, path: string): Promise<Position> {
  const page = await world.operations.history({ path, limit: 1 });
  return { epoch: page.head.epoch, offset: 0 };
}

const publish = (world: World, path: string, message: number, key?: string): Position =>
  world.publish(path, message, key === undefined ? {} : { key }).position as Position;

describe('a subscription', () => {
  it('goes on catching up when another one ends, for which the store was being read', async () => {
    const { world, broker, client } = setUp();
    for (const path of ['public-a', 'public-b']) for (let i = 1; i <= 3; i++) publish(world, path, i);
    const [a, b] = [await startOf(world, 'public-a'), await startOf(world, 'public-b')];
    broker.held.add('read');
    client.want({ path: 'public-a', position: a }, { path: 'public-b', position: b });
    await run(world);
    client.session.paths.unwant(['public-a']);
    broker.release('read');
    await run(world);
    publish(world, 'public-b', 4);
    await run(world);
    expect(client.messages()).toEqual([1, 2, 3, 4]);
  });

  it('whose client is ahead of the tail waits for it: its snapshot is not older than that', async () => {
    const { world, broker, client } = setUp();
    publish(world, 'public', 1, 'x');
    world.open().want('public');
    await run(world);
    broker.held.add('deliver');
    const position = publish(world, 'public', 2, 'x');
    client.want({ path: 'public', position, state: 'snapshot' });
    await run(world);
    expect(client.told('state')).toEqual([]);
    broker.release('deliver');
    await run(world);
    expect(client.told('state')).toMatchObject([{ entries: [{ key: 'x', message: 2 }] }]);
    publish(world, 'public', 3, 'x');
    expect(client.messages()).toEqual([3]);
  });

  it('that is taken over with a position ahead of the tail hears nothing twice', async () => {
    const { world, broker, client } = setUp();
    const ticket = client.ticket();
    client.want({ path: 'public', state: 'snapshot' });
    await run(world);
    publish(world, 'public', 1, 'k');
    await run(world);
    broker.held.add('deliver');
    const position = publish(world, 'public', 2, 'k');
    broker.held.add('read');
    const paths = [{ path: 'public', position, state: 'changes' as const }];
    const second = world.open({ ticket, paths: paths as never });
    await run(world);
    world.dispatcher.paths.get('public')?.sendSnapshots();
    broker.release('deliver');
    await run(world);
    broker.release('read');
    await run(world);
    expect(second.messages()).toEqual([]);
    publish(world, 'public', 3, 'k');
    expect(second.messages()).toEqual([3]);
  });

  it('is judged by its newest position, not by what was looked up for an older one', async () => {
    const { world, broker, client } = setUp();
    const ticket = client.ticket();
    client.want('public');
    await run(world);
    broker.held.add('deliver');
    const first = publish(world, 'public', 1);
    broker.held.add('read');
    world.open({ ticket, paths: [{ path: 'public', position: first }] });
    await settled();
    broker.release('read');
    await settled();
    const second = publish(world, 'public', 2);
    const third = world.open({ ticket, paths: [{ path: 'public', position: second }] });
    await run(world);
    expect(third.told('refused')).toEqual([]);
    broker.release('deliver');
    await run(world);
    publish(world, 'public', 3);
    expect(third.messages()).toEqual([3]);
  });

  it('needs one join, however often it is ended and begun while that is under way', async () => {
    const { world, broker, client } = setUp();
    broker.held.add('join');
    for (let i = 0; i < 100; i++) {
      client.want('public');
      client.session.paths.unwant(['public']);
    }
    expect(broker.calls.filter((call) => call === 'join public')).toHaveLength(1);
    broker.release('join');
    await run(world);
    expect(world.dispatcher.paths.size).toBe(0);
    expect(world.counters).toMatchObject({ subscriptions: 0, pending: 0 });
  });
});

describe('a message to all sessions', () => {
  it('waits for the joins of the one before', async () => {
    const { world, broker, client } = setUp();
    broker.failing.add('join');
    const first = world.operations.broadcast('one');
    broker.failing.clear();
    const second = world.operations.broadcast('two');
    await run(world);
    await Promise.all([first, second]);
    await run(world);
    expect(client.messages().toSorted()).toEqual(['one', 'two']);
  });

  it('is refused while the store is down, and reaches everybody afterwards', async () => {
    const { world, broker, client } = setUp();
    broker.failing.add('join');
    const refused = expect(world.operations.broadcast('one')).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    const late = world.open();
    await pass(world, 12_000);
    await refused;
    broker.failing.clear();
    await pass(world, 4_000);
    const sending = world.operations.broadcast('two');
    await pass(world, 4_000);
    await sending;
    await run(world);
    expect([client, late].map((each) => each.messages())).toEqual([['two'], ['two']]);
  });
});

describe('a grant', () => {
  it('is answered in time though the store is down, also where the client knows a position', async () => {
    const { world, broker, client } = setUp();
    const position = publish(world, 'p', 1);
    client.want({ path: 'p', position });
    await run(world);
    broker.failing.add('join');
    const granting = world.operations.connect(client.session.id, ['p', 'q']);
    await pass(world, 12_000);
    const unavailable = { error: { code: 'store_unavailable' } };
    expect(await granting).toMatchObject([unavailable, unavailable]);
  });

  it('that is taken away while its path joins is answered so', async () => {
    const { world, broker, client } = setUp();
    broker.held.add('join');
    const granting = world.operations.connect(client.session.id, ['p']);
    await settled();
    await world.operations.disconnect(client.session.id, ['p']);
    broker.release('join');
    expect(await granting).toMatchObject([{ error: { code: 'denied' } }]);
  });

  it('whose session ends while its path joins is answered so', async () => {
    const { world, broker, client } = setUp();
    broker.held.add('join');
    const granting = world.operations.connect(client.session.id, ['p']);
    const refused = expect(granting).rejects.toMatchObject({ code: 'unknown_session' });
    await settled();
    await world.operations.kick({ id: client.session.id });
    await refused;
  });

  it('of a receiver is over when the receiver is unregistered while its path joins', async () => {
    const { world, broker } = setUp();
    broker.held.add('join');
    world.registry.register({ id: 'r', update: () => undefined });
    const connecting = world.operations.connectReceiver('r', 'p');
    await settled();
    world.registry.unregister('r');
    broker.release('join');
    await connecting;
    expect(world.dispatcher.paths.size).toBe(0);
  });
});
