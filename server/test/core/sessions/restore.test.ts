/** A restart that nobody notices: everything is handed over to the next server. */
import { describe, expect, it } from 'vitest';
import { restoreHandoff } from '../../../src/stores/handoff/handoff-store.js';
import { DOBBY } from '../../../src/transports/dobby-dialect.js';
import { receiveFrame, receiveText } from '../../../src/transports/inbound.js';
import { createWorld, gathered, type World } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

/** The next server, for which there was no time to hand over a path. */
function createServerWithout(world: World, path: string): World {
  const sessions = world.sessions.snapshots();
  const next = world.restart();
  next.broker.restore([...world.broker.snapshots()].filter((record) => record.path !== path));
  next.sessions.restore(sessions, { at: world.clock.now(), backBy: world.clock.now() });
  return next;
}

describe('after a server has handed everything over', () => {
  it('a client comes back to its session and misses nothing, in the same epoch, without a gap', () => {
    const world = createWorld();
    const client = world.open();
    world.connect('session-1', ['granted'], 'ada');
    world.publish('granted', 1);
    const ticket = client.ticket();
    world.publish('granted', 2);
    const next = world.handOver();
    expect(client.frames()).toMatchObject([{ message: 2 }, { type: 'closing', code: 4000 }]);
    next.publish('granted', 3);
    const again = next.open({ ticket, paths: [{ path: 'granted', position: at(1) }] });
    expect(again.frames()).toMatchObject([
      { type: 'opened', id: 'session-1', resumed: true, connection: 2, received: 0 },
      { type: 'subscribed', paths: [{ path: 'granted', position: at(1) }] },
      { message: 2, position: at(2) },
      { message: 3, position: at(3) },
    ]);
    expect(again.session.user).toBe('ada');
    expect(next.counters.gaps).toBe(0);
  });

  it('its back end is not asked again, though its grants were too many for its ticket', () => {
    const world = createWorld();
    const client = world.open();
    const paths = Array.from({ length: 200 }, (_, i) => `${'x'.repeat(200)}${i}`);
    world.connect('session-1', paths, null);
    const ticket = client.ticket();
    const again = world.handOver().open({ ticket, paths: paths.map((path) => ({ path })) });
    const frames = gathered(again.frames());
    expect(frames.map((frame) => 'type' in frame && frame.type)).toEqual(['opened', 'subscribed']);
  });

  it('who came back without a position hears on from where the subscription began', () => {
    const world = createWorld();
    world.publish('public', 1);
    const ticket = world.open({ paths: [{ path: 'public' }] }).ticket();
    world.publish('public', 2);
    expect(world.handOver().open({ ticket }).messages()).toEqual([2]);
  });

  it('upstream numbers go on where they were', () => {
    const world = createWorld();
    const client = world.open();
    const ticket = client.ticket();
    client.send({ type: 'subscribe', n: 1, paths: [{ path: 'public' }] });
    client.send({ type: 'unsubscribe', n: 2, paths: ['public'] });
    const again = world.handOver().open({ ticket });
    expect(again.told('opened')).toMatchObject([{ received: 2 }]);
    expect(again.send({ type: 'subscribe', n: 2, paths: [{ path: 'public' }] })).toBeNull();
    expect(again.session.paths.subscriptions.size, 'a repeat').toBe(0);
    expect(again.send({ type: 'subscribe', n: 4, paths: [] })).toMatchObject({ code: 'bad_sequence' });
  });

  it('who caused an update, and who is excepted from it, does not hear it in the replay either', () => {
    const world = createWorld();
    const paths = [{ path: 'public', position: at(0) }];
    const tickets = [1, 2, 3].map(() => world.open({ paths }).ticket());
    world.publish('public', 1, { sender: 'session-1', except: ['session-2'] });
    const next = world.handOver();
    const heard = tickets.map((ticket) => next.open({ ticket, paths }).messages());
    expect(heard).toEqual([[], [], [1]]);
  });

  it('entries keep their times and grow too old', () => {
    const world = createWorld();
    world.publish('public', 1);
    world.clock.advance(200_000);
    world.publish('public', 2);
    const next = world.handOver();
    next.clock.advance(150_000);
    const client = next.open({ paths: [{ path: 'public', position: at(0) }] });
    expect(client.frames().slice(2)).toMatchObject([
      { type: 'gap', reason: 'evicted', to: at(1) },
      { message: 2 },
    ]);
  });

  it('an offset is given out once, on a path that nobody heard too', () => {
    const world = createWorld();
    world.publish('quiet', 1);
    expect(world.handOver().handOver().publish('quiet', 2).position).toEqual(at(2));
  });

  it('state is there as it was, and goes on', () => {
    const world = createWorld();
    for (const key of ['a', 'b', 'c']) world.publish('public', key, { key });
    world.publish('public', null, { key: 'a' });
    world.publish('public', 'é\u2028"', { key: 'b' });
    const next = world.handOver();
    expect(next.broker.stateBytes).toBe(world.broker.stateBytes);
    next.publish('public', 'd', { key: 'd' });
    const client = next.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    const [snapshot] = client.told('state');
    expect(snapshot).toMatchObject({
      entries: [
        { key: 'c', message: 'c' },
        { key: 'b', message: 'é\u2028"' },
        { key: 'd', message: 'd' },
      ],
      position: at(6),
    });
    expect(next.broker.stateBytes).toBe(next.dispatcher.paths.get('public')?.state?.bytes);
  });

  it('a session that follows a state gets a snapshot when it comes back without saying what it holds', () => {
    const world = createWorld();
    world.publish('public', 1, { key: 'a' });
    const ticket = world.open({ paths: [{ path: 'public', state: 'snapshot' }] }).ticket();
    expect(world.handOver().open({ ticket }).told('state')).toMatchObject([{ entries: [{ key: 'a' }] }]);
  });

  it('a path that nothing was published to stays in its epoch, though it has no record of its own', () => {
    const world = createWorld();
    const ticket = world.open({ paths: [{ path: 'public' }] }).ticket();
    const next = world.restart();
    restoreHandoff(
      {
        ...{ at: next.clock.now(), backBy: 0, paths: [], requests: [] },
        sessions: [...world.sessions.snapshots()],
      },
      { ...next, paths: next.broker, requests: { snapshots: () => [], restore: () => undefined } },
    );
    next.publish('public', 1);
    const again = next.open({ ticket, paths: [{ path: 'public', position: at(0) }] });
    expect(again.frames().slice(1)).toMatchObject([{ type: 'subscribed' }, { message: 1, position: at(1) }]);
  });

  it('an offset is not given out again on a path whose head was lost on the way', () => {
    const world = createWorld();
    world.open({ paths: [{ path: 'public' }] });
    world.publish('public', 1);
    const next = world.restart();
    next.sessions.restore([...world.sessions.snapshots()], { at: next.clock.now(), backBy: 0 });
    expect(next.handOver().publish('public', 2).position?.epoch).not.toBe('epoch001');
  });

  it('a path without a log tells its one gap', () => {
    const world = createWorld();
    const ticket = world.open({ paths: [{ path: 'public-nolog' }] }).ticket();
    const again = world.handOver().open({ ticket });
    expect(again.told('gap')).toEqual([{ path: 'public-nolog', from: null, to: null, reason: 'no_log' }]);
  });
});

describe('sessions that were handed over', () => {
  it('hold their paths, and are listed without a connection', () => {
    const world = createWorld();
    world.open({ paths: [{ path: 'public' }] });
    const next = world.handOver();
    expect(next.dispatcher.paths.get('public')?.subscriptions).toBe(1);
    expect(next.counters.subscriptions).toBe(1);
    const [session] = [...next.sessions.all.values()];
    expect(session).toMatchObject({ id: 'session-1', connection: null, connectionNumber: 1 });
  });

  it('can be granted and kicked at once', async () => {
    const world = createWorld();
    const ticket = world.open().ticket();
    const next = world.handOver();
    expect(await next.connect('session-1', ['granted'], null)).toMatchObject({
      value: [{ path: 'granted' }],
    });
    expect(await next.sessions.admin.kick('session-1', true)).toEqual({ value: 1 });
    expect(next.open({ ticket }).told('opened')).toMatchObject([{ refused: 'revoked_ticket' }]);
  });

  it('end when nobody comes back, a time to live after the last slot', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 1 } });
    world.open({ paths: [{ path: 'public' }] });
    const next = world.handOver();
    expect(next.sessions.all.size).toBe(1);
    next.clock.advance(31_500);
    expect(next.sessions.all.size, 'the slot ends after 2 s').toBe(1);
    next.clock.advance(1_000);
    expect(next.sessions.all.size).toBe(0);
    expect(next.dispatcher.paths.size).toBe(0);
  });

  it('wait for the slots of the server before the one before, too, which was stopped before they came', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 1 } });
    for (let i = 0; i < 3; i++) {
      world.open({ paths: [{ path: 'public' }] });
      world.clock.advance(1_000);
    }
    const next = world.handOver();
    next.clock.advance(500);
    const last = next.handOver();
    last.clock.advance(33_000);
    expect(last.sessions.all.size, 'the last slot ends after 4 s').toBe(3);
    last.clock.advance(10_000);
    expect(last.sessions.all.size).toBe(0);
  });

  it('do not wait for longer than there were slots, though the clock was set back', () => {
    const world = createWorld();
    world.open({ paths: [{ path: 'public' }] });
    const handoff = [...world.sessions.snapshots()];
    const next = world.restart();
    const at = next.clock.now() + 60_000;
    next.sessions.restore(handoff, { at, backBy: at + 2_000 });
    next.clock.advance(32_500);
    expect(next.sessions.all.size).toBe(0);
  });

  it('do not end when their clients come back', () => {
    const world = createWorld();
    const ticket = world.open({ paths: [{ path: 'public' }] }).ticket();
    const next = world.handOver();
    next.open({ ticket });
    next.clock.advance(40_000);
    expect(next.sessions.all.size).toBe(1);
  });

  it('keep the number of their connection: the newest wins', () => {
    const world = createWorld();
    const old = world.open().ticket();
    const newer = world.open({ ticket: old }).ticket();
    const next = world.handOver();
    const first = next.open({ ticket: newer });
    expect(first.connection.number).toBe(3);
    expect(next.open({ ticket: old }).connection.number).toBe(4);
    expect(first.carrier.closing?.code).toBe(4200);
  });

  it('are not those that ended, nor raw ones', async () => {
    const world = createWorld();
    const kicked = world.open().ticket();
    world.open().send({ type: 'close' });
    world.open({ paths: [{ path: 'public' }] }, { isRaw: true });
    await world.sessions.admin.kick('session-1', true);
    const next = world.handOver();
    expect(next.sessions.all.size).toBe(0);
    expect(next.open({ ticket: kicked }).told('opened')).toMatchObject([{ refused: 'revoked_ticket' }]);
  });

  it('are not those that were ended since', () => {
    const world = createWorld();
    world.open({ paths: [{ path: 'public' }] });
    // As if another server had run in between.
    world.journal.push({ id: 'session-1', at: world.clock.now(), isFinal: false });
    expect(world.handOver().sessions.all.size).toBe(0);
  });

  it('do not bring back what was taken away, before or after', async () => {
    const world = createWorld();
    const ticket = world.open().ticket();
    world.connect('session-1', ['first', 'second', 'again'], null);
    await world.sessions.admin.disconnect('session-1', ['first', 'again', 'public'], null);
    world.clock.advance(10);
    world.connect('session-1', ['again'], null);
    world.clock.advance(10);
    // As if the record had been made by somebody else before this server started.
    world.journal.push({ id: 'session-1', at: world.clock.now() + 1, path: 'second' });
    const next = world.handOver();
    const paths = ['first', 'second', 'again', 'public'].map((path) => ({ path }));
    const again = next.open({ ticket, paths });
    expect(gathered(again.frames().slice(1))).toMatchObject([
      { type: 'subscribed', paths: [{ path: 'again' }] },
      { type: 'pending', paths: ['first', 'second', 'public'] },
    ]);
  });

  it('keep what was taken away and granted again in the millisecond of the handoff', async () => {
    const world = createWorld();
    const ticket = world.open().ticket();
    world.connect('session-1', ['again'], null);
    await world.sessions.admin.disconnect('session-1', ['again'], null);
    world.connect('session-1', ['again'], null);
    const again = world.handOver().open({ ticket, paths: [{ path: 'again' }] });
    expect(again.told('subscribed')).toHaveLength(1);
  });

  it('are not those whose tickets have all expired', () => {
    const world = createWorld();
    world.open({ paths: [{ path: 'public' }] });
    const lost = world.open();
    lost.connection.lost();
    const next = createWorld();
    next.clock.advance(400_000);
    next.sessions.restore(world.sessions.snapshots(), { at: world.clock.now(), backBy: world.clock.now() });
    expect(next.sessions.all.size).toBe(0);
  });

  it('come back by their ticket when tickets carry nothing', () => {
    const world = createWorld({ settings: { ticketsCarryGrants: false } });
    const ticket = world.open().ticket();
    world.connect('session-1', ['granted'], 'ada');
    const again = world.handOver().open({ ticket, paths: [{ path: 'granted' }] });
    expect(again.frames()).toMatchObject([{ type: 'opened', resumed: true }, { type: 'subscribed' }]);
    expect(again.session.user).toBe('ada');
  });

  it('stand before the gap, to their back end too, where the log of a path was left out', async () => {
    const world = createWorld();
    world.publish('public', 1);
    const client = world.open({ paths: [{ path: 'public' }] });
    for (const message of [2, 3]) world.publish('public', message);
    const ticket = client.ticket();
    const next = createServerWithout(world, 'public');
    for (const message of [4, 5]) next.publish('public', message);
    expect(await next.connect('session-1', ['public'], null)).toEqual({
      value: [{ path: 'public', position: at(1) }],
    });
    const page = next.open({ ticket, paths: [{ path: 'public', position: at(1) }] });
    expect(page.frames().slice(1)).toMatchObject([
      { type: 'subscribed', paths: [{ position: at(1) }] },
      { type: 'gap', from: at(1), to: at(0, 'epoch002'), reason: 'restarted' },
      { message: 4 },
      { message: 5 },
    ]);
    expect(await next.connect('session-1', ['public'], null)).toEqual({
      value: [{ path: 'public', position: at(2, 'epoch002') }],
    });
  });

  it('stand where they stood, to their back end too, where the log is there', () => {
    const world = createWorld();
    world.open({ paths: [{ path: 'public' }] });
    world.publish('public', 1);
    const answer = world.handOver().connect('session-1', ['public'], null);
    expect(answer).toEqual({ value: [{ path: 'public', position: at(1) }] });
  });

  it('lose the paths that the new configuration opens no more', () => {
    const world = createWorld();
    const ticket = world.open({ paths: [{ path: 'public' }] }).ticket();
    const next = world.handOver({ isPublic: () => false });
    expect(next.counters.subscriptions).toBe(0);
    expect(next.open({ ticket, paths: [{ path: 'public' }] }).told('pending')).toHaveLength(1);
  });
});

it('what a client sends while its server stops takes no effect, and the client sends it again', () => {
  const world = createWorld();
  const client = world.open();
  const subscribe = { type: 'subscribe', n: 1, paths: [{ path: 'public' }] };
  world.sessions.freeze(1_000);
  receiveFrame(world.sessions, client.connection, subscribe);
  receiveText({ ...world, dialect: DOBBY }, client.connection, JSON.stringify(subscribe));
  expect([...world.sessions.snapshots()]).toMatchObject([{ received: 0, subscriptions: [] }]);
});
