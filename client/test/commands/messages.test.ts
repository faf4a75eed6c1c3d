import { describe, expect, it } from 'vitest';
import { type CommandsPomona, withCommands } from '../../src/commands/index.js';
import { Pomona } from '../../src/index.js';
import { type FollowsState, withState } from '../../src/state/index.js';
import { at, Stage, settled, subscribed, update } from '../support.js';
import { type CommandsStage, open } from './support.js';

/** Notes what a listener hears. */
function listen(stage: CommandsStage): { heard: unknown[][]; stop(): void } {
  const heard: unknown[][] = [];
  const stop = stage.commanded.onMessage((message, { path, position }) =>
    heard.push([message, path, position]),
  );
  return { heard, stop };
}

describe('messages', () => {
  it.each(['::inbox/one', '::all'])('of %s go to listeners, and are no updates', async (path) => {
    const stage = await open();
    const { heard } = listen(stage);
    await stage.transport.says(subscribed(path), update(path, 1), { path, message: 'no log' });
    expect(heard).toEqual([
      [1, path, at(1)],
      ['no log', path, null],
    ]);
    expect(stage.told('update')).toEqual([]);
  });

  it('are updates while nobody listens', async () => {
    const stage = await open();
    await stage.transport.says(subscribed('::all'), update('::all', 1));
    const { heard, stop } = listen(stage);
    await stage.transport.says(update('::all', 2));
    stop();
    await stage.transport.says(update('::all', 3));
    expect(heard).toEqual([[2, '::all', at(2)]]);
    expect(stage.told('update')).toEqual([
      { path: '::all', key: null, message: 1, position: at(1) },
      { path: '::all', key: null, message: 3, position: at(3) },
    ]);
  });

  it('are not what other paths bring', async () => {
    const stage = await open();
    const { heard } = listen(stage);
    for (const path of ['a', '::allotment', 'x::all', 'x/::inbox/one'])
      await stage.transport.says(subscribed(path), update(path, 1));
    expect([heard, stage.told('update').length]).toEqual([[], 4]);
  });

  it('come once, also when they are replayed, and not before their path is heard', async () => {
    const stage = await open();
    const { heard } = listen(stage);
    await stage.transport.says(update('::all', 1), subscribed('::all', at(1)), update('::all', 2));
    await stage.reconnects();
    await stage.transport.says(subscribed('::all', at(2)), update('::all', 2), update('::all', 3));
    expect(heard.map(([message]) => message)).toEqual([2, 3]);
  });

  it('of a path that was left are not told', async () => {
    const stage = await open();
    const { heard } = listen(stage);
    await stage.transport.says(subscribed('::all'), update('::all', 1));
    stage.pomona.disconnect('::all');
    await stage.transport.says(update('::all', 2));
    expect([heard.length, stage.transport.sentOf('unsubscribe').length]).toEqual([1, 1]);
  });

  it('are resumed from where they were', async () => {
    const stage = await open();
    listen(stage);
    await stage.transport.says(subscribed('::all'), subscribed('::inbox/one'), update('::inbox/one', 4));
    await stage.reconnects();
    expect(stage.transport.open?.paths).toEqual([
      { path: '::all', position: at(0) },
      { path: '::inbox/one', position: at(4) },
    ]);
    expect(stage.transport.sent).toEqual([]);
  });

  it('of an old session are let go when the server ends them', async () => {
    const stage = await open();
    const { heard } = listen(stage);
    await stage.transport.says(subscribed('::inbox/one'), subscribed('::all'), update('::inbox/one', 1));
    await stage.reconnects({ id: 'two', resumed: false });
    await stage.transport.says(subscribed('::all'), {
      type: 'unsubscribed',
      paths: ['::inbox/one'],
      by: 'back_end',
    });
    await stage.transport.says(update('::inbox/one', 2), subscribed('::inbox/two'), update('::inbox/two', 1));
    await stage.reconnects({ id: 'two' });
    expect(stage.transport.open?.paths).toEqual([
      { path: '::all', position: at(0) },
      { path: '::inbox/two', position: at(1) },
    ]);
    expect(heard.map(([, path]) => path)).toEqual(['::inbox/one', '::inbox/two']);
  });

  it('that are lost are told as gaps are', async () => {
    const stage = await open();
    const { heard } = listen(stage);
    await stage.transport.says(subscribed('::all'), {
      type: 'gap',
      path: '::all',
      from: at(0),
      to: at(5),
      reason: 'evicted',
    });
    await stage.transport.says(update('::all', 5), update('::all', 6));
    expect([heard.length, stage.told('gap').length]).toEqual([1, 1]);
  });
});

describe('listeners', () => {
  it('hear in the order in which they came, each once, until they are removed', async () => {
    const stage = await open();
    const heard: string[] = [];
    const first = (): void => void heard.push('first');
    const stop = stage.commanded.onMessage(first);
    stage.commanded.onMessage(() => heard.push('second'));
    stage.commanded.onMessage(first);
    await stage.transport.says(subscribed('::all'), update('::all', 1));
    stop();
    stop();
    await stage.transport.says(update('::all', 2));
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  it('that come or go while a message is told: who has gone is not told, who has come hears the next', async () => {
    const stage = await open();
    const heard: unknown[] = [];
    stage.commanded.onMessage((message) => {
      stop();
      stage.commanded.onMessage(later);
      heard.push(['first', message]);
    });
    const stop = stage.commanded.onMessage((message) => heard.push(['gone', message]));
    const later = (message: unknown): void => void heard.push(['later', message]);
    await stage.transport.says(subscribed('::all'), update('::all', 1), update('::all', 2));
    expect(heard).toEqual([
      ['first', 1],
      ['first', 2],
      ['later', 2],
    ]);
  });

  it('that throw stop nobody, and are told as errors', async () => {
    const stage = await open();
    stage.commanded.onMessage(() => {
      throw new Error('broken');
    });
    const { heard } = listen(stage);
    await stage.transport.says(subscribed('::all'), update('::all', 1));
    expect([heard.length, stage.told('error')]).toEqual([1, ['handler_failed']]);
  });
});

describe('with states', () => {
  const orders: [string, (pomona: Pomona) => CommandsPomona & FollowsState & Pomona][] = [
    ['before', (pomona) => withState(withCommands(pomona))],
    ['after', (pomona) => withCommands(withState(pomona))],
  ];

  it.each(orders)('all works, commands being added %s', async (_, both) => {
    const stage = new Stage();
    const pomona = both(stage.pomona);
    expect(pomona).toBe(stage.pomona);
    const heard: unknown[] = [];
    pomona.onMessage((message) => heard.push(message));
    const contacts = pomona.connect('a', () => {}, { state: true });
    await stage.transport.opens();
    const sent = pomona.send('a', 'say');
    const [frame] = stage.transport.sentOf('command');
    await stage.transport.says(
      subscribed('a'),
      {
        type: 'state',
        path: 'a',
        position: at(1),
        entries: [{ key: 'k', message: 1 }],
        first: true,
        last: true,
      },
      { ...update('a', 2), key: 'l' },
      subscribed('::all'),
      update('::all', 7),
      { type: 'reply', uid: frame?.uid, reply: 'done' },
    );
    expect([[...contacts.entries.keys()], heard, await sent]).toEqual([['k', 'l'], [7], 'done']);
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, connection: 2 });
    expect(stage.transport.open?.paths).toEqual([
      { path: 'a', position: at(2), state: 'changes' },
      { path: '::all', position: at(7) },
    ]);
  });

  it('and without, the types know what there is', async () => {
    const { pomona } = new Stage();
    // @ts-expect-error nothing is sent without commands
    expect(pomona.send).toBeUndefined();
    const commanded = withCommands(pomona);
    // @ts-expect-error there is no such option
    const wrong = commanded.send('a', 'say', {}, { retries: 3 });
    await expect(wrong).rejects.toMatchObject({ code: 'unknown_field' });
    expect(commanded).toBeInstanceOf(Pomona);
    await settled();
  });
});
