import { describe, expect, it } from 'vitest';
import { at, subscribed, update } from '../support.js';
import { change, following, gap, StateStage, state } from './support.js';

const opened = {
  type: 'opened',
  id: 'one',
  ticket: 'ticket-2',
  connection: 2,
  resumed: true,
  received: 0,
  pingIntervalMs: 25_000,
};

describe('a snapshot', () => {
  it('is asked for, and makes the entries; until then they are empty', async () => {
    const stage = new StateStage();
    const subscription = stage.follow('x');
    await stage.transport.opens();
    expect(stage.named).toEqual([{ path: 'a', state: 'snapshot' }]);
    await stage.transport.says(subscribed('a', at(3)));
    expect([subscription.hasSnapshot, subscription.entries.size]).toEqual([false, 0]);
    await stage.transport.says(state('a', 4, { k: 1 }));
    expect(stage.taken()).toEqual([['x', 'snapshot', { k: 1 }, 4]]);
    expect([subscription.hasSnapshot, [...subscription.entries]]).toEqual([true, [['k', 1]]]);
    expect(subscription.position).toEqual(at(4));
  });

  it('that was read never changes: a change makes another, and reading twice in between gives the same', async () => {
    const { stage, subscription } = await following();
    const before = subscription.entries;
    expect(subscription.entries).toBe(before);
    await stage.transport.says(change('a', 'k', 2, 'new'), change('a', 'other', 3, 'x'));
    const after = subscription.entries;
    expect([before.has('other'), after.get('other'), before === after]).toEqual([false, 'x', false]);
    expect(subscription.entries).toBe(after);
    await stage.transport.says(update('a', 4)); // no change of the state
    expect(subscription.entries).toBe(after);
  });

  it('says whether keys may be missing from it; so does the subscription, until a whole one comes', async () => {
    const stage = new StateStage();
    const subscription = stage.follow('x');
    const told: boolean[] = [];
    subscription.on('snapshot', ({ isPartial }) => told.push(isPartial));
    await stage.transport.opens();
    await stage.transport.says(subscribed('a', at(3)));
    expect(subscription.isPartial).toBe(false); // nothing is known yet: `hasSnapshot` says so
    await stage.transport.says(
      state('a', 3, { k: 1 }, { last: false, partial: true }),
      state('a', 3, { l: 1 }, { first: false, partial: true }),
    );
    expect([told, subscription.isPartial, subscription.hasSnapshot]).toEqual([[true], true, true]);
    const late = stage.follow('late');
    late.on('snapshot', ({ isPartial }) => told.push(isPartial));
    await stage.transport.says(change('a', 'k', 4));
    expect([told, late.isPartial]).toEqual([[true, true], true]);
    await stage.transport.says(state('a', 4, { k: 4, l: 1, m: 1 }));
    expect([told, subscription.isPartial]).toEqual([[true, true, false, false], false]);
    expect(late.isPartial).toBe(false);
  });

  it('in parts is taken in one step, when the last has come', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says(gap('a', 1, 5));
    const before = subscription.entries;
    await stage.transport.says(
      state('a', 5, { b: 1 }, { last: false }),
      state('a', 5, { c: 2 }, { first: false, last: false }),
    );
    expect([subscription.entries, [...before.keys()]]).toEqual([before, ['k']]);
    await stage.transport.says(state('a', 5, { d: 3 }, { first: false }));
    expect(stage.taken()).toEqual([
      ['x', 'gap'],
      ['x', 'snapshot', { b: 1, c: 2, d: 3 }, 5],
    ]);
  });

  it('counts as processed after its listeners have run, and is there for them already', async () => {
    const stage = new StateStage();
    const subscription = stage.follow('x');
    const seen: unknown[] = [];
    subscription.on('snapshot', () => seen.push(subscription.position, subscription.hasSnapshot));
    await stage.transport.opens();
    await stage.transport.says(subscribed('a', at(3)), state('a', 4, {}));
    expect([seen, subscription.position]).toEqual([[at(3), true], at(4)]);
  });

  it('that was cut off counts no more, whatever the next connection brings', async () => {
    const stage = new StateStage();
    const subscription = stage.follow('x');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), state('a', 1, { old: 1 }, { last: false }));
    await stage.reconnects();
    expect(stage.named).toEqual([{ path: 'a', position: at(0), state: 'snapshot' }]);
    await stage.transport.says(subscribed('a'), state('a', 1, { rest: 1 }, { first: false }));
    expect(subscription.hasSnapshot).toBe(false);
    await stage.transport.says(state('a', 2, { k: 2 }));
    expect(stage.taken()).toEqual([['x', 'snapshot', { k: 2 }, 2]]);
  });

  it('needs its beginning: what comes without one is left alone', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says(state('a', 1, { l: 2 }, { first: false }));
    expect([stage.taken(), [...subscription.entries]]).toEqual([[], [['k', 1]]]);
  });

  it('that is malformed is told as an error and disturbs nothing', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says(
      { ...state('a', 2, {}), position: null },
      { ...state('a', 2, {}), entries: [{ key: 1, message: 1 }] },
      { ...state('a', 2, {}), entries: [{ key: 'k' }] },
      { ...state('a', 2, {}), first: 'yes' },
      { ...state('a', 2, {}), path: 7 },
      { type: 'state' },
    );
    expect(stage.told('error')).toEqual(Array(6).fill('bad_answer'));
    expect([stage.pomona.state, [...subscription.entries]]).toEqual(['open', [['k', 1]]]);
  });

  it('of a path that nobody follows is left alone', async () => {
    const stage = new StateStage();
    const subscription = stage.hear('x');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), state('a', 5, { k: 1 }), state('b', 5, { k: 1 }));
    expect([stage.taken(), subscription.position]).toEqual([[], at(0)]);
  });

  it('knows keys of any name, and keeps the order of the last change', async () => {
    const { stage, subscription } = await following();
    const entries = [
      { key: '__proto__', message: { a: 1 } },
      { key: 'constructor', message: 2 },
    ];
    await stage.transport.says({ ...state('a', 2, {}), entries }, change('a', '__proto__', 3));
    expect([...subscription.entries]).toEqual([
      ['constructor', 2],
      ['__proto__', 3],
    ]);
  });
});

describe('a change', () => {
  it('is made before any handler runs, and null removes', async () => {
    const { stage } = await following();
    await stage.transport.says(change('a', 'l', 2), change('a', 'k', 3, null), update('a', 4));
    expect(stage.taken()).toEqual([
      ['x', 2, { k: 1, l: 2 }],
      ['x', null, { l: 2 }],
      ['x', 4, { l: 2 }],
    ]);
  });

  it('is there for handlers that were added before the one that follows', async () => {
    const stage = new StateStage();
    const seen: unknown[] = [];
    stage.stated.connect('a', (_, { key }) => seen.push(key, [...subscription.entries]));
    const subscription = stage.follow('x');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), state('a', 1, {}), change('a', 'k', 2));
    expect(seen).toEqual(['k', [['k', 2]]]);
  });

  it('that was processed already changes nothing', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says(change('a', 'k', 2), change('a', 'k', 3), change('a', 'k', 2));
    expect([...subscription.entries]).toEqual([['k', 3]]);
  });

  it('before the first snapshot goes to the handlers only', async () => {
    const stage = new StateStage();
    const subscription = stage.follow('x', 'a', { since: at(1) });
    await stage.transport.opens();
    expect(stage.named).toEqual([{ path: 'a', position: at(1), state: 'snapshot' }]);
    await stage.transport.says(subscribed('a', at(1)), change('a', 'k', 2), change('a', 'gone', 3));
    expect(subscription.entries.size).toBe(0);
    await stage.transport.says(state('a', 3, { k: 2 }), change('a', 'k', 4));
    expect(stage.taken()).toEqual([
      ['x', 2, 'no snapshot'],
      ['x', 3, 'no snapshot'],
      ['x', 'snapshot', { k: 2 }, 3],
      ['x', 4, { k: 4 }],
    ]);
  });
});

describe('resuming', () => {
  it('asks for changes once a snapshot is whole', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says(change('a', 'k', 2));
    await stage.reconnects();
    expect(stage.named).toEqual([{ path: 'a', position: at(2), state: 'changes' }]);
    await stage.transport.says(subscribed('a', at(2)), change('a', 'k', 3));
    expect([[...subscription.entries], subscription.hasSnapshot]).toEqual([[['k', 3]], true]);
    expect(stage.transport.sent).toEqual([]);
  });

  it('asks for a snapshot from a gap until the last part has come', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says(gap('a', 1, 5));
    expect([subscription.hasSnapshot, [...subscription.entries]]).toEqual([false, [['k', 1]]]);
    await stage.reconnects();
    expect(stage.named).toEqual([{ path: 'a', position: at(5), state: 'snapshot' }]);
    await stage.transport.says(subscribed('a', at(5)), state('a', 5, {}, { last: false }));
    await stage.reconnects();
    expect(stage.named).toEqual([{ path: 'a', position: at(5), state: 'snapshot' }]);
    await stage.transport.says(subscribed('a', at(5)), state('a', 5, { l: 5 }));
    await stage.reconnects();
    expect(stage.named).toEqual([{ path: 'a', position: at(5), state: 'changes' }]);
  });

  it('asks for a snapshot when `subscribed` alone has shown the gap', async () => {
    const { stage } = await following();
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ id: 'two' });
    await stage.transport.says(subscribed('a', at(9)));
    expect(stage.taken()).toEqual([['x', 'gap']]);
    await stage.reconnects();
    expect(stage.named).toEqual([{ path: 'a', position: at(9), state: 'snapshot' }]);
  });

  it('names the path once more where it was named as whole before a gap', async () => {
    const stage = new StateStage({}, ['better', 'lesser']);
    stage.follow('x');
    await stage.transport.ends();
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), state('a', 1, { k: 1 }));
    const lesser = stage.transport;
    await stage.clock.advance(20_000);
    await lesser.says({ type: 'ping', received: 0 });
    await stage.clock.advance(40_000);
    const better = stage.transport;
    expect(better.name).toBe('better');
    better.asks();
    await lesser.says(gap('a', 1, 5));
    await better.says({ ...opened, resumed: true, connection: 2 }, subscribed('a', at(1)));
    expect(stage.named).toEqual([
      { path: 'a', position: at(1), state: 'changes' },
      { path: 'a', position: at(5), state: 'snapshot' },
    ]);
  });
});
