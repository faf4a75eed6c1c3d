/** What clients that do not read are owed is bounded, for all of them together. */
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../../../protocol/codes.js';
import { Backlogs, MAX_BACKLOG_BYTES } from '../../../src/core/wire/backlog.js';
import { Frame } from '../../../src/core/wire/frame.js';
import type { FakeCarrierOptions } from '../../support/fake-carrier.js';
import { type Client, createWorld, type World } from '../../support/world.js';

const bounds = { maxFrames: 10_000, maxBytes: 4 * 1024 * 1024 };
/** Some 300 KB of refusals. */
const wrong = Array.from({ length: 900 }, (_, i) => `{${i}}`.padEnd(255, 'x'));

function open(world: World, options: FakeCarrierOptions = {}): Client {
  const client = world.open({}, options);
  client.frames();
  return client;
}

/** A client whose socket takes no more. */
function openFull(world: World): Client {
  const client = open(world);
  client.carrier.isFull = true;
  client.want(...wrong);
  world.clock.settle();
  return client;
}

describe('what clients that do not read are owed', () => {
  it('counts what their sockets hold back and what waits behind it, and no more when they read', () => {
    const world = createWorld({ settings: { outbox: bounds } });
    const { backlogs } = world;
    const client = openFull(world);
    const first = backlogs.bytes;
    expect(first).toBeGreaterThan(200_000);
    client.want(...wrong);
    expect(backlogs.bytes).toBe(2 * first);
    client.carrier.isFull = false;
    client.connection.outbox.unblock();
    world.clock.settle();
    expect([backlogs.bytes, backlogs.size]).toEqual([0, 0]);
  });

  it('is nothing for one that reads, for shared updates, and after the end', () => {
    const world = createWorld({ settings: { outbox: bounds } });
    const { backlogs } = world;
    const reader = open(world);
    reader.want(...wrong);
    expect(backlogs.bytes).toBe(0);
    const client = openFull(world);
    const owed = backlogs.bytes;
    client.want('public');
    const more = backlogs.bytes - owed;
    world.publish('public', 'x'.repeat(50_000));
    expect(backlogs.bytes - owed).toBe(more);
    client.connection.lost();
    expect([backlogs.bytes, backlogs.size]).toEqual([0, 0]);
  });

  it('is bounded: who has not read for the longest is closed, and comes back', () => {
    const world = createWorld({ settings: { outbox: bounds } });
    const { backlogs } = world;
    const clients = [openFull(world)];
    const each = backlogs.bytes;
    const fit = Math.floor(MAX_BACKLOG_BYTES / each);
    while (clients.length < fit) clients.push(openFull(world));
    expect(clients.filter(({ connection }) => connection.isClosed)).toEqual([]);
    clients.push(openFull(world));
    expect(clients.findIndex(({ connection }) => connection.isClosed)).toBe(0);
    expect(clients.filter(({ connection }) => connection.isClosed)).toHaveLength(1);
    expect(clients[0]?.carrier.closing?.code).toBe(4001);
    expect(clients[0]?.session.isEnded).toBe(false);
    expect(backlogs.bytes).toBeLessThanOrEqual(MAX_BACKLOG_BYTES);
  });

  it('a holder that is closed just below the bound lets go, and nothing hangs', () => {
    const backlogs = new Backlogs();
    const holder = { calls: 0, overflow: () => void holder.calls++ };
    backlogs.change(holder, 0, MAX_BACKLOG_BYTES);
    backlogs.change(holder, MAX_BACKLOG_BYTES, MAX_BACKLOG_BYTES + 100);
    expect(holder.calls).toBe(1);
    backlogs.change(holder, MAX_BACKLOG_BYTES + 100, 0);
    expect([backlogs.bytes, backlogs.size]).toEqual([0, 0]);
    const world = createWorld({ settings: { outbox: bounds } });
    const client = openFull(world);
    const fill = MAX_BACKLOG_BYTES - world.backlogs.bytes;
    world.backlogs.change({ overflow: () => undefined }, 0, fill - 10);
    void world.sessions.end(client.session, 'kicked');
    expect(world.backlogs.bytes).toBe(fill - 10);
  });

  it('counts answers between two polls', () => {
    const world = createWorld({ settings: { outbox: bounds } });
    const client = world.open({}, { transport: 'long-poll', isPinged: false });
    client.carrier.isFull = true; // answered, and no poll has come since
    world.clock.settle();
    expect(world.backlogs.bytes).toBe(0);
    client.want(...wrong);
    expect(world.backlogs.bytes).toBeGreaterThan(200_000);
    client.carrier.isFull = false;
    client.connection.outbox.unblock();
    world.clock.settle();
    expect(world.backlogs.bytes).toBe(0);
  });

  it('leaves nothing uncounted in a socket whose client is sent away for what it did', () => {
    const world = createWorld({ settings: { outbox: { maxFrames: 10_000, maxBytes: 400_000 } } });
    const client = openFull(world);
    client.want(...wrong);
    client.want(...wrong);
    expect(client.connection.isClosed).toBe(true);
    expect(client.carrier.closing?.code).toBe(CLOSE_CODES.stalled);
    const reader = open(world);
    for (let i = 0; i < 3; i++) reader.want(...wrong);
    expect(reader.carrier.closing?.code).toBe(CLOSE_CODES.outbox_full);
  });

  it('counts frames that exist as bytes only, as pongs of a WebSocket', () => {
    const world = createWorld();
    const { backlogs } = world;
    const client = openFull(world);
    const before = backlogs.bytes;
    client.connection.outbox.add(Frame.ofBytes(client.carrier.encoding, Buffer.alloc(127)));
    expect(backlogs.bytes - before).toBe(127 + 256);
  });
});
