import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../../../protocol/codes.js';
import { createWorld } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });
const refused = (path: string, code: keyof typeof ERRORS) => ({ path, code, message: ERRORS[code].message });

/** A world with a client whose `opened` has been read. */
function setUp(options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options);
  const client = world.open();
  client.frames();
  return { world, client };
}

describe('a path that waits for its grant', () => {
  it('is refused after the wait, all of the same wait in one frame', () => {
    const { world, client } = setUp();
    client.want('a', 'b');
    client.frames();
    world.clock.advance(9_999);
    expect(client.frames()).toEqual([]);
    world.clock.advance(251);
    expect(client.told('refused')).toEqual([
      { paths: [refused('a', 'not_granted'), refused('b', 'not_granted')] },
    ]);
  });

  it('waits for itself: a later one is refused later', () => {
    const { world, client } = setUp();
    client.want('a');
    world.clock.advance(5_000);
    client.want('b');
    world.clock.advance(5_300);
    expect(client.told('refused')).toEqual([{ paths: [refused('a', 'not_granted')] }]);
    world.clock.advance(5_300);
    expect(client.told('refused')).toEqual([{ paths: [refused('b', 'not_granted')] }]);
  });

  it('is subscribed from the position that it waits with', async () => {
    const { world, client } = setUp();
    for (let i = 1; i <= 3; i++) world.publish('book', i);
    client.want({ path: 'book', position: at(1) });
    expect(await client.grant(['book'])).toEqual([{ path: 'book', position: at(1) }]);
    expect(client.messages()).toEqual([2, 3]);
    world.clock.advance(60_000);
    expect(client.told('refused')).toEqual([]);
  });

  it('is heard from now on when it waits without one', () => {
    const { world, client } = setUp();
    client.want('book');
    world.publish('book', 1);
    void client.grant(['book']);
    world.publish('book', 2);
    expect(client.messages()).toEqual([2]);
  });

  it('is refused to both sides when its position was never reached', async () => {
    const { client } = setUp();
    client.want({ path: 'book', position: at(3) });
    client.frames();
    expect(await client.grant(['book'])).toMatchObject([{ path: 'book', error: { code: 'bad_position' } }]);
    expect(client.told('refused')).toEqual([{ paths: [refused('book', 'bad_position')] }]);
  });

  it('waits no more once the client does not want it', () => {
    const { world, client } = setUp();
    client.want('a');
    client.session.paths.unwant(['a']);
    expect(client.frames().at(-1)).toEqual({ type: 'unsubscribed', paths: ['a'], by: 'client' });
    world.clock.advance(60_000);
    expect(client.told('refused')).toEqual([]);
  });

  it('goes on waiting while the session has no connection', () => {
    const { world, client } = setUp();
    client.want('a');
    const ticket = client.session.isRaw ? '' : world.open().ticket();
    expect(ticket).not.toBe('');
    client.connection.lost();
    void client.grant(['a']);
    expect(client.session.paths.subscriptions.get('a')?.isLive).toBe(false);
  });
});

describe('a grant', () => {
  it('subscribes whether or not the session asked, and is told once', async () => {
    const { world, client } = setUp();
    expect(await client.grant(['a', '::x', 'a'])).toMatchObject([
      { path: 'a', position: at(0) },
      { path: '::x', error: { code: 'reserved_path' } },
      { path: 'a', position: at(0) },
    ]);
    expect(client.told('subscribed')).toEqual([{ paths: [{ path: 'a', position: at(0) }] }]);
    world.publish('a', 1);
    expect(client.messages()).toEqual([1]);
  });

  it('outlives the subscription: the client may come back to the path without asking', () => {
    const { client } = setUp();
    void client.grant(['a']);
    client.session.paths.unwant(['a']);
    client.frames();
    client.want('a');
    expect(client.told('subscribed')).toHaveLength(1);
  });
});

describe('a path that was taken away', () => {
  it('ends its subscription and says by whom', () => {
    const { world, client } = setUp();
    void client.grant(['a', 'b']);
    client.frames();
    expect(client.session.paths.revoke(['a', 'never', 'x*'])).toMatchObject([
      { path: 'a', wasSubscribed: true },
      { path: 'never', wasSubscribed: false },
      { path: 'x*', error: { code: 'bad_path' } },
    ]);
    expect(client.frames()).toEqual([{ type: 'unsubscribed', paths: ['a'], by: 'back_end' }]);
    world.publish('a', 1);
    world.publish('b', 2);
    expect(client.messages()).toEqual([2]);
  });

  it('is neither granted nor public until the next connect', () => {
    const { world, client } = setUp();
    void client.grant(['a']);
    client.session.paths.revoke(['a', 'public']);
    client.frames();
    client.want('a', 'public');
    expect(client.frames()).toEqual([{ type: 'pending', paths: ['a', 'public'] }]);
    world.clock.advance(10_500);
    expect(client.told('refused')).toEqual([
      { paths: [refused('a', 'denied'), refused('public', 'denied')] },
    ]);
    void client.grant(['public']);
    expect(client.told('subscribed')).toHaveLength(1);
    client.session.paths.unwant(['public']);
    client.want('public');
    expect(client.told('subscribed')).toHaveLength(1);
  });

  it('stays denied while it waits, so that a connect in time grants it', () => {
    const { client } = setUp();
    client.session.paths.revoke(['a']);
    client.want('a');
    void client.grant(['a']);
    expect(client.told('subscribed')).toHaveLength(1);
  });
});
