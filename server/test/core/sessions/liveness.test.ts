import { describe, expect, it } from 'vitest';
import { createWorld } from '../../support/world.js';

/** The wheel may be one slot late, and a connection is looked at every 5 s and a slot. */
const LATE_MS = 6_000;

describe('a connection that is pinged', () => {
  it('gets a ping each interval, with the last number that took effect', () => {
    const world = createWorld();
    const client = world.open();
    client.session.receive(3);
    world.clock.advance(24_900);
    expect(client.told('ping')).toEqual([]);
    world.clock.advance(LATE_MS);
    expect(client.told('ping')).toEqual([{ received: 3 }]);
  });

  it('lives on as long as it is heard', () => {
    const world = createWorld();
    const client = world.open();
    for (let i = 0; i < 100; i++) {
      world.clock.advance(10_000);
      world.sessions.heard(client.session, client.connection);
    }
    expect(client.carrier.closing).toBeNull();
    const pings = client.told('ping').length;
    expect(pings).toBeGreaterThanOrEqual(32);
    expect(pings).toBeLessThanOrEqual(40);
    expect(client.session.lastContactAt).toBe(world.clock.now());
  });

  it('is closed when no pong comes for two intervals, and its session waits', () => {
    const world = createWorld();
    const client = world.open();
    world.clock.advance(49_900);
    expect(client.carrier.closing).toBeNull();
    world.clock.advance(2 * LATE_MS);
    expect(client.carrier.closing?.code).toBe(4004);
    expect(client.session.isEnded).toBe(false);
    world.clock.advance(30_500);
    expect(client.session.isEnded).toBe(true);
  });
});

describe('a connection that is not pinged', () => {
  it('is kept awake instead, and needs no pong', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] }, { isPinged: false });
    world.clock.advance(100_000);
    expect(client.told('ping')).toEqual([]);
    expect(client.carrier.keptAlive).toBeGreaterThanOrEqual(3);
    expect(client.carrier.closing).toBeNull();
  });
});

describe('a socket that is full', () => {
  const settings = { pingIntervalMs: 3_600_000 };

  it('is closed as stalled when it takes no byte for 30 s', () => {
    const world = createWorld({ settings });
    const client = world.open({ paths: [{ path: 'public' }] });
    client.frames();
    client.block();
    world.publish('public', 1);
    world.clock.advance(29_900);
    expect(client.carrier.closing).toBeNull();
    world.clock.advance(2 * LATE_MS);
    expect(client.carrier.closing?.code).toBe(4001);
    expect(client.session.isEnded).toBe(false);
  });

  it('is not, as long as it takes some', () => {
    const world = createWorld({ settings });
    const client = world.open({ paths: [{ path: 'public' }] });
    client.frames();
    client.block();
    world.publish('public', 1);
    for (let i = 0; i < 20; i++) {
      world.clock.advance(20_000);
      client.carrier.taken++;
    }
    expect(client.carrier.closing).toBeNull();
  });

  it('is not when it is a poll that has not come', () => {
    const world = createWorld({ settings });
    const client = world.open({}, { transport: 'long-poll', isPinged: false, isBlocked: true });
    world.clock.advance(100_000);
    expect(client.carrier.closing).toBeNull();
  });
});

describe('the watch', () => {
  it('has one timer, however often its only connection goes and comes', () => {
    const world = createWorld();
    const client = world.open();
    const ticket = client.ticket();
    let last = client;
    for (let i = 0; i < 100; i++) {
      last.connection.lost();
      world.clock.advance(10);
      last = world.open({ ticket });
    }
    world.clock.advance(2_000);
    const after = world.wheel.after.bind(world.wheel);
    let timers = 0;
    world.wheel.after = (ms, task) => {
      timers++;
      return after(ms, task);
    };
    world.clock.advance(10_000);
    expect(timers).toBeGreaterThan(10);
    expect(timers).toBeLessThan(60);
  });
});
