import { describe, expect, it } from 'vitest';
import type { Tail } from '../../../src/core/log/broker.js';
import { createWorld } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

describe('logs that were handed over', () => {
  it('obey the bounds of the new configuration', () => {
    const world = createWorld();
    for (let i = 1; i <= 5; i++) world.publish('public', i);
    const next = world.handOver({ log: { maxUpdates: 2, maxBytes: 1024 * 1024, maxAgeMs: 300_000 } });
    const client = next.open({ paths: [{ path: 'public', position: at(0) }] });
    expect(client.frames().slice(2)).toMatchObject([
      { type: 'gap', to: at(3) },
      { message: 4 },
      { message: 5 },
    ]);
    expect(world.handOver({ logOf: () => null }).publish('public', 6).position).toBeNull();
  });

  it('are evicted in the order of their last update', () => {
    const world = createWorld();
    for (const path of ['a', 'b', 'c', 'a']) world.publish(path, 'x'.repeat(1_000));
    const next = world.handOver();
    expect(next.broker.totalBytes).toBe(world.broker.totalBytes);
    expect([...next.broker.snapshots()].map(({ path }) => path)).toEqual(['a', 'c', 'b']);
  });

  it('are kept as long as somebody hears the path, however long ago it was published to', () => {
    const world = createWorld();
    const { position } = world.publish('held', 1);
    world.broker.join('held');
    world.clock.advance(90_000_000);
    const next = world.handOver();
    expect(next.answered<Tail | null>(next.broker.join('held'))?.log.head).toEqual(position);
  });

  it('leave a path alone that is in use already', () => {
    const world = createWorld();
    world.publish('public', 1);
    const next = createWorld();
    next.ids.epoch();
    next.publish('public', 2);
    next.broker.restore(world.broker.snapshots());
    expect(next.publish('public', 3).position).toEqual(at(2, 'epoch002'));
  });
});
