import { describe, expect, it } from 'vitest';
import type { Receiver } from '../../../src/core/hub/receiver.js';
import { createWorld } from '../../support/world.js';

const receiver = (id: string, update: Receiver['update']): Receiver => ({ id, update });

describe('publishing', () => {
  it('gives positions that rise by one on each path', () => {
    const world = createWorld();
    const positions = [1, 2, 3].map((message) => world.publish('a', message).position);
    expect(positions).toEqual([1, 2, 3].map((offset) => ({ epoch: 'epoch001', offset })));
    expect(world.publish('b', 1).position).toEqual({ epoch: 'epoch002', offset: 1 });
    expect(world.publish('nolog', 1).position).toBeNull();
    expect(world.counters.updates).toBe(5);
  });

  it('reaches every subscriber but the sender and who is excepted', () => {
    const world = createWorld();
    const [a, b, c] = [1, 2, 3].map(() => world.open({ paths: [{ path: 'public' }] }));
    world.publish('public', 'x', { sender: a?.session.id ?? '', except: [b?.session.id ?? ''] });
    expect([a, b, c].map((client) => client?.messages())).toEqual([[], [], ['x']]);
    expect(world.counters.deliveries).toBe(1);
  });

  it('keeps the order when a receiver publishes while it is being told', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    const heard: unknown[] = [];
    const echo = receiver('echo', (_sender, path, message) => {
      heard.push(message);
      if (message === 1) {
        world.publish(path, 2);
        world.publish(path, 3);
      }
    });
    world.registry.register(echo);
    world.registry.update('', '::connect', 'echo->public');
    world.registry.delegate(
      receiver('late', (_sender, path, message) => path === 'public' && heard.push(`late ${message}`)),
    );
    world.publish('public', 1);
    expect(heard).toEqual([1, 'late 1', 2, 'late 2', 3, 'late 3']);
    expect(client.messages()).toEqual([1, 2, 3]);
  });

  it('tells nobody twice of an update that was accepted before it was connected', () => {
    const world = createWorld();
    const client = world.open();
    const joiner = receiver('joiner', (_sender, path, message) => {
      if (message !== 1) return;
      world.publish(path, 2);
      world.sessions.connect(client.session.id, [path], null);
    });
    world.registry.register(joiner);
    world.registry.update('', '::connect', 'joiner->room');
    world.publish('room', 1);
    world.publish('room', 3);
    const frames = client.frames().filter((frame) => !('ticket' in frame));
    expect(frames[0]).toEqual({
      type: 'subscribed',
      paths: [{ path: 'room', position: { epoch: 'epoch001', offset: 2 } }],
    });
    expect(frames.slice(1)).toMatchObject([{ message: 3 }]);
  });

  it('stores and tells nothing when the broker refuses', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    client.frames();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(() => world.publish('public', circular as never)).toThrow();
    expect(client.frames()).toEqual([]);
    expect(world.publish('public', 1).position?.offset).toBe(1);
  });
});

it('nothing is published by a server that has handed over', () => {
  const world = createWorld();
  world.handOver();
  expect(() => world.publish('public', 1)).toThrow('restarting');
});
