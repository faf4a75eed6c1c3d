import { describe, expect, it } from 'vitest';
import type { Receiver } from '../../../src/core/hub/receiver.js';
import { createWorld, type World } from '../../support/world.js';

/** A registered receiver that notes what it is told. */
function listener(world: World, id: string, onUpdate: () => void = () => {}) {
  const heard: unknown[] = [];
  const receiver: Receiver = {
    id,
    update(sender, path, message, update) {
      heard.push({ sender, path, message, position: update?.position });
      onUpdate();
    },
  };
  world.registry.register(receiver);
  return heard;
}

describe('the dispatcher', () => {
  it('connects a receiver to a path with "::connect", and ends that with "::disconnect"', () => {
    const world = createWorld();
    const heard = listener(world, 'logger');
    world.registry.update('', '::connect', 'logger->room');
    world.publish('room', 1, { sender: 'someone' });
    world.registry.update('', '::disconnect', 'logger->room');
    world.publish('room', 2);
    expect(heard).toEqual([
      { sender: 'someone', path: 'room', message: 1, position: { epoch: 'epoch001', offset: 1 } },
    ]);
    expect(world.dispatcher.paths.size).toBe(0);
  });

  it('splits at the first arrow, so that a path may contain one', () => {
    const world = createWorld();
    const heard = listener(world, 'logger');
    world.registry.update('', '::connect', 'logger->a->b');
    world.publish('a->b', 1);
    expect(heard).toMatchObject([{ path: 'a->b' }]);
  });

  it('grants and subscribes when the receiver is a session, and takes away again', () => {
    const world = createWorld();
    const client = world.open();
    client.frames();
    world.registry.update('', '::connect', `${client.session.id}->room`);
    expect(client.told('subscribed')).toHaveLength(1);
    world.registry.update('', '::disconnect', `${client.session.id}->room`);
    expect(client.frames()).toEqual([{ type: 'unsubscribed', paths: ['room'], by: 'back_end' }]);
  });

  it.each([
    ['::connect', 'logger'],
    ['::connect', '->room'],
    ['::connect', 'logger->'],
    ['::connect', 'logger->::gone'],
    ['::connect', 'nobody->room'],
    ['::disconnect', 'nobody->room'],
    ['::connect', { id: 'logger' }],
    ['::connect', null],
  ])('reports %s with %j and does nothing', (path, message) => {
    const world = createWorld();
    listener(world, 'logger');
    world.registry.update('', path, message);
    expect(world.receiverFaults).toHaveLength(1);
    expect(world.dispatcher.paths.size).toBe(0);
  });

  it('does not tell a receiver of its own updates', () => {
    const world = createWorld();
    const heard = listener(world, 'logger');
    world.registry.update('', '::connect', 'logger->room');
    world.publish('room', 1, { sender: 'logger' });
    expect(heard).toEqual([]);
  });

  it('isolates a receiver that throws', () => {
    const world = createWorld();
    listener(world, 'broken', () => {
      throw new Error('no');
    });
    const heard = listener(world, 'sound');
    const client = world.open({ paths: [{ path: 'public' }] });
    for (const id of ['broken', 'sound']) world.registry.update('', '::connect', `${id}->public`);
    world.publish('public', 1);
    world.publish('public', 2);
    expect(heard).toHaveLength(2);
    expect(client.messages()).toEqual([1, 2]);
    expect(world.receiverFaults).toEqual(['broken: no', 'broken: no']);
  });

  it('lets a receiver disconnect itself while it is being told', () => {
    const world = createWorld();
    const once = listener(world, 'once', () => world.registry.update('', '::disconnect', 'once->room'));
    const always = listener(world, 'always');
    for (const id of ['once', 'always']) world.registry.update('', '::connect', `${id}->room`);
    world.publish('room', 1);
    world.publish('room', 2);
    expect([once.length, always.length]).toEqual([1, 2]);
  });
});

describe('the registry', () => {
  it('forgets a receiver, takes it off its paths, and tells the delegates "::gone"', () => {
    const world = createWorld();
    const heard = listener(world, 'logger');
    const told: unknown[] = [];
    const undo = world.registry.delegate({
      id: 'watch',
      update: (...update) => told.push(update.slice(0, 3)),
    });
    for (const path of ['a', 'b']) world.registry.update('', '::connect', `logger->${path}`);
    told.length = 0;
    expect(world.registry.unregister('logger')).toBe(true);
    expect(told).toEqual([['logger', '::gone', 'logger']]);
    world.clock.settle();
    expect(world.dispatcher.paths.size).toBe(0);
    expect(world.registry.unregister('logger')).toBe(false);
    undo();
    undo();
    world.publish('a', 1);
    expect(told).toHaveLength(1);
    expect(heard).toEqual([]);
  });

  it('tells "::gone" of a session that has ended', async () => {
    const world = createWorld();
    const client = world.open();
    const told: unknown[] = [];
    world.registry.delegate({ id: 'watch', update: (_sender, path, message) => told.push([path, message]) });
    await world.sessions.admin.kick(client.session.id, true);
    expect(told).toEqual([['::gone', client.session.id]]);
    expect(world.registry.get(client.session.id)).toBeUndefined();
  });

  it('tells every delegate of everything, whatever another one throws', () => {
    const world = createWorld();
    const told: unknown[] = [];
    world.registry.delegate({
      id: 'broken',
      update() {
        throw new Error('no');
      },
    });
    world.registry.delegate({ id: 'sound', update: (_sender, path) => told.push(path) });
    world.publish('room', 1);
    world.registry.update('me', 'anything', 2);
    expect(told).toEqual(['room', 'anything']);
    expect(world.receiverFaults).toHaveLength(2);
  });

  it.each(['', 'a->b'])('refuses the id "%s"', (id) => {
    expect(() => listener(createWorld(), id)).toThrow('is no receiver id');
  });

  it('refuses an id twice', () => {
    const world = createWorld();
    listener(world, 'logger');
    expect(() => listener(world, 'logger')).toThrow('registered already');
  });
});

describe('an async receiver', () => {
  it('that rejects is isolated as one that throws is', async () => {
    const world = createWorld();
    world.registry.delegate({
      id: 'async',
      async update() {
        throw new Error('later');
      },
    });
    world.publish('public', 1);
    await Promise.resolve();
    await Promise.resolve();
    expect(world.receiverFaults).toEqual(['async: later']);
  });

  it('that undoes itself while it is told lets the next one hear', () => {
    const world = createWorld();
    const heard: unknown[] = [];
    const undo = world.registry.delegate({ id: 'once', update: () => undo() });
    world.registry.delegate({ id: 'next', update: (_sender, _path, message) => heard.push(message) });
    world.publish('public', 1);
    expect(heard).toEqual([1]);
  });
});
