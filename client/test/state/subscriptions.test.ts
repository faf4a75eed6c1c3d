import { describe, expect, it } from 'vitest';
import { withState } from '../../src/state/index.js';
import { at, Stage, settled, subscribed, update } from '../support.js';
import { change, following, gap, refusal, StateStage, state } from './support.js';

const NOTHING = (): void => {};

describe('several handlers of a path', () => {
  it('that follow are told of what is held already, later and before changes', async () => {
    const { stage } = await following();
    stage.follow('y');
    expect(stage.taken()).toEqual([]);
    for (const frame of [change('a', 'l', 2), change('a', 'm', 3)]) stage.transport.context.frame(frame);
    await settled();
    expect(stage.taken()).toEqual([
      ['y', 'snapshot', { k: 1 }, 1],
      ['x', 2, { k: 1, l: 2 }],
      ['y', 2, { k: 1, l: 2 }],
      ['x', 3, { k: 1, l: 2, m: 3 }],
      ['y', 3, { k: 1, l: 2, m: 3 }],
    ]);
    expect(stage.transport.sent).toEqual([]);
  });

  it('that follow are told also when no change comes, and not once they have gone', async () => {
    const { stage } = await following();
    stage.follow('y');
    stage.follow('z').disconnect();
    await settled();
    expect(stage.taken()).toEqual([['y', 'snapshot', { k: 1 }, 1]]);
  });

  it('that were added while a snapshot was under way are told of it once', async () => {
    const stage = new StateStage();
    stage.follow('x');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), state('a', 1, { k: 1 }, { last: false }));
    stage.follow('y');
    await stage.transport.says(state('a', 1, {}, { first: false }));
    expect(stage.taken()).toEqual([
      ['x', 'snapshot', { k: 1 }, 1],
      ['y', 'snapshot', { k: 1 }, 1],
    ]);
    expect(stage.transport.sent).toEqual([]);
  });

  it('let the path be named again when the first comes that follows, without a gap being told', async () => {
    const stage = new StateStage();
    stage.hear('plain');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), update('a', 1));
    stage.follow('x');
    await settled();
    expect(stage.transport.sent).toEqual([
      { type: 'subscribe', n: 1, paths: [{ path: 'a', position: at(1), state: 'snapshot' }] },
    ]);
    // Others were published meanwhile that are not meant for this session.
    await stage.transport.says(subscribed('a', at(3)), state('a', 4, { k: 4 }), change('a', 'k', 5));
    expect(stage.taken()).toEqual([
      ['plain', 1],
      ['x', 'snapshot', { k: 4 }, 4],
      ['plain', 5],
      ['x', 5, { k: 5 }],
    ]);
    expect(stage.told('subscribed').length).toBe(1);
  });

  it('in one tick name the path once', async () => {
    const stage = new StateStage();
    await stage.transport.opens();
    stage.hear('plain');
    stage.follow('x');
    await settled();
    expect(stage.named).toEqual([{ path: 'a', state: 'snapshot' }]);
  });

  it('name the path once when the first that follows comes while there is no connection', async () => {
    const stage = new StateStage();
    stage.hear('plain');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    await stage.transport.ends();
    stage.follow('x');
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, connection: 2 });
    expect(stage.named).toEqual([{ path: 'a', position: at(0), state: 'snapshot' }]);
  });

  it('say nothing when the last that follows goes and others stay; then nothing is held any more', async () => {
    const { stage, subscription } = await following();
    const plain = stage.hear('plain');
    subscription.disconnect();
    expect([subscription.entries.size, subscription.hasSnapshot]).toEqual([0, false]);
    await stage.transport.says(change('a', 'k', 2), gap('a', 2, 5), state('a', 5, { k: 5 }), update('a', 6));
    expect(stage.taken()).toEqual([
      ['plain', 2],
      ['plain', 'gap'],
      ['plain', 6],
    ]);
    expect(stage.transport.sent).toEqual([]);
    await stage.reconnects();
    await stage.transport.says(subscribed('a', at(6)), state('a', 8, { k: 8 }));
    expect([stage.named, plain.position]).toEqual([[{ path: 'a', position: at(6) }], at(6)]);
  });

  it('ask for a snapshot when one follows again after changes that nobody followed', async () => {
    const { stage, subscription } = await following();
    stage.hear('plain');
    subscription.disconnect();
    await stage.transport.says(change('a', 'k', 2));
    const again = stage.follow('y');
    await settled();
    await stage.transport.says(change('a', 'k', 3));
    expect(again.entries.size).toBe(0);
    expect(stage.named.slice(1)).toEqual([{ path: 'a', position: at(2), state: 'snapshot' }]);
  });

  it('with the identical handler are one, which follows from when it is told to', async () => {
    const stage = new StateStage();
    const plain = stage.stated.connect('a', NOTHING);
    const follows = stage.stated.connect('a', NOTHING, { state: true });
    expect([follows, stage.stated.connect('a', NOTHING, { state: true })]).toEqual([plain, plain]);
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), state('a', 1, { k: 1 }));
    expect([...follows.entries]).toEqual([['k', 1]]);
  });
});

describe('a path without state', () => {
  it('is refused to those who follow, and asked for again for the others', async () => {
    const stage = new StateStage();
    stage.hear('plain');
    const subscription = stage.follow('x');
    const ready = expect(subscription.ready).rejects.toMatchObject({ code: 'no_state', path: 'a' });
    await stage.transport.opens();
    await stage.transport.says(refusal('a'));
    await ready;
    expect([stage.taken(), subscription.state]).toEqual([[['x', 'no_state']], 'refused']);
    expect(stage.told('refused')).toEqual([expect.objectContaining({ path: 'a', code: 'no_state' })]);
    expect(stage.named).toEqual([{ path: 'a', state: 'snapshot' }, { path: 'a' }]);
    await stage.transport.says(subscribed('a'), update('a', 1));
    expect(stage.taken()).toEqual([['plain', 1]]);
  });

  it('goes on for those who heard it already', async () => {
    const stage = new StateStage();
    const plain = stage.hear('plain');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    stage.follow('x');
    await settled();
    await stage.transport.says(refusal('a'), update('a', 1));
    expect(stage.taken()).toEqual([
      ['x', 'no_state'],
      ['plain', 1],
    ]);
    expect(stage.transport.sent.length).toBe(1);
    plain.disconnect();
    await settled();
    expect(stage.transport.sent.at(-1)).toEqual({ type: 'unsubscribe', n: 2, paths: ['a'] });
  });

  it('is asked for its state again by the next who follows', async () => {
    const stage = new StateStage();
    stage.hear('plain');
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    stage.follow('x');
    await settled();
    await stage.transport.says(refusal('a'));
    stage.follow('y');
    await settled();
    expect(stage.named.slice(2)).toEqual([{ path: 'a', position: at(0), state: 'snapshot' }]);
  });

  it('is left when nobody else wants it, and asked for again by the next who does', async () => {
    const stage = new StateStage();
    stage.follow('x');
    await stage.transport.opens();
    await stage.transport.says(refusal('a'));
    expect([stage.transport.sent, stage.taken()]).toEqual([[], [['x', 'no_state']]]);
    stage.follow('y');
    await settled();
    expect(stage.named.slice(1)).toEqual([{ path: 'a', state: 'snapshot' }]);
    await stage.transport.says(refusal('a'));
    expect(stage.taken()).toEqual([['y', 'no_state']]);
  });

  it('that was left refuses nobody who came back since', async () => {
    const stage = new StateStage();
    stage.follow('x');
    await stage.transport.opens();
    stage.pomona.disconnect('a');
    await settled();
    stage.follow('y');
    await settled();
    await stage.transport.says(refusal('a'));
    expect(stage.taken()).toEqual([]);
    await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' }, refusal('a'));
    expect(stage.taken()).toEqual([['y', 'no_state']]);
  });

  it('is refused as any other when the server says so of a path that was named without', async () => {
    const stage = new StateStage();
    stage.hear('plain');
    stage.follow('x').disconnect();
    await stage.transport.opens();
    await stage.transport.says(refusal('a'));
    expect(stage.taken()).toEqual([['plain', 'no_state']]);
  });
});

describe('a path that is refused for another reason', () => {
  it('is refused to all', async () => {
    const stage = new StateStage();
    stage.hear('plain');
    stage.follow('x');
    await stage.transport.opens();
    await stage.transport.says({ type: 'refused', paths: [{ path: 'a', code: 'denied', message: 'no' }] });
    expect(stage.taken()).toEqual([
      ['plain', 'denied'],
      ['x', 'denied'],
    ]);
    expect(stage.transport.sent).toEqual([]);
    stage.follow('y');
    await settled();
    expect(stage.named.slice(1)).toEqual([{ path: 'a', state: 'snapshot' }]);
  });
});

describe('a path that', () => {
  it('the back end ends and connects again is named again with its state', async () => {
    const { stage, subscription } = await following();
    await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'back_end' });
    expect(subscription.hasSnapshot).toBe(false);
    await stage.transport.says(subscribed('a', at(7)));
    expect(stage.named.slice(1)).toEqual([{ path: 'a', position: at(7), state: 'snapshot' }]);
    await stage.transport.says(subscribed('a', at(7)), state('a', 7, { l: 7 }));
    expect([...subscription.entries]).toEqual([['l', 7]]);
  });

  it('the back end connected unasked is named again when somebody follows it', async () => {
    const stage = new StateStage();
    await stage.transport.opens();
    await stage.transport.says(subscribed('a', at(2)));
    stage.follow('x');
    await settled();
    expect(stage.named).toEqual([{ path: 'a', position: at(2), state: 'snapshot' }]);
  });

  it('is left and wanted again is resumed from where it was', async () => {
    const { stage, subscription } = await following();
    subscription.disconnect();
    await settled();
    const again = stage.follow('y');
    await settled();
    // What comes before the answer belongs to what was left.
    await stage.transport.says(change('a', 'k', 2), state('a', 2, { k: 2 }));
    expect([...again.entries]).toEqual([['k', 1]]);
    await stage.transport.says(
      { type: 'unsubscribed', paths: ['a'], by: 'client' },
      subscribed('a', at(1)),
      change('a', 'l', 2),
    );
    expect(stage.named.slice(1)).toEqual([{ path: 'a', position: at(1), state: 'changes' }]);
    expect(Object.fromEntries(again.entries)).toEqual({ k: 1, l: 2 });
  });

  it('goes and comes within a tick stays as it was', async () => {
    const { stage, subscription } = await following();
    subscription.disconnect();
    const again = stage.follow('y');
    await stage.transport.says(change('a', 'l', 2));
    expect(stage.taken()).toEqual([
      ['y', 'snapshot', { k: 1 }, 1],
      ['y', 2, { k: 1, l: 2 }],
    ]);
    expect([stage.transport.sent, again.hasSnapshot]).toEqual([[], true]);
  });

  it('is followed when Pomona closes is empty afterwards', async () => {
    const { stage, subscription } = await following();
    stage.pomona.close();
    expect([subscription.entries.size, subscription.hasSnapshot, subscription.state]).toEqual([
      0,
      false,
      'ended',
    ]);
  });

  it('is asked for in a new session is named as it was', async () => {
    const { stage } = await following();
    await stage.transport.ends({ code: 4100 });
    await stage.clock.advance(1_000);
    await stage.transport.opens({ id: 'two' });
    expect(stage.named).toEqual([{ path: 'a', position: at(1), state: 'changes' }]);
    await stage.transport.says(
      { type: 'pending', paths: ['a'] },
      subscribed('a', at(1)),
      change('a', 'k', 2),
    );
    expect(stage.taken()).toEqual([['x', 2, { k: 2 }]]);
  });
});

describe('withState', () => {
  it('returns the same Pomona, once or twice', async () => {
    const { stage, subscription } = await following();
    expect(withState(stage.stated)).toBe(stage.pomona);
    await stage.transport.says(state('a', 2, { l: 2 }));
    expect([...subscription.entries]).toEqual([['l', 2]]);
  });

  it('is what `state` needs: without it a PomonaError says so, and the types do', () => {
    const { pomona } = new Stage();
    expect(() =>
      pomona.connect('a', NOTHING, {
        // @ts-expect-error there is no such option
        state: true,
      }),
    ).toThrow(
      expect.objectContaining({ code: 'unknown_field', message: expect.stringContaining('pomona/state') }),
    );
    // @ts-expect-error there are no entries where no state is followed
    void withState(pomona).connect('a', NOTHING).entries;
  });
});
