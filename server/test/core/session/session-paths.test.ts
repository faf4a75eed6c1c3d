import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../../../protocol/codes.js';
import { createWorld, gathered } from '../../support/world.js';

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });
const refused = (path: string, code: keyof typeof ERRORS) => ({ path, code, message: ERRORS[code].message });

/** A world with a client whose `opened` has been read. */
function setUp(options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options);
  const client = world.open();
  client.frames();
  return { world, client };
}

describe('the decision about a path', () => {
  it('is made for each path by itself, and told in one frame for each kind', () => {
    const { client } = setUp();
    void client.grant(['granted']);
    client.frames();
    client.want('::connect', 'public', 'a*', 'asked', 'granted', '');
    expect(gathered(client.frames())).toMatchObject([
      { type: 'subscribed', paths: [{ path: 'granted', position: at(0) }, { path: 'public' }] },
      { type: 'pending', paths: ['asked'] },
      {
        type: 'refused',
        paths: [refused('::connect', 'reserved_path'), refused('a*', 'bad_path'), refused('', 'bad_path')],
      },
    ]);
  });

  it('refuses a reserved path even where everything is public', () => {
    const { client } = setUp({ isPublic: () => true });
    client.want('::gone');
    expect(client.told('refused')).toEqual([{ paths: [refused('::gone', 'reserved_path')] }]);
  });

  it('is the same again for a path that is subscribed, and changes nothing', () => {
    const { world, client } = setUp();
    client.want('public');
    world.publish('public', 1);
    client.frames();
    client.want({ path: 'public', position: at(0) });
    expect(client.frames()).toEqual([{ type: 'subscribed', paths: [{ path: 'public', position: at(1) }] }]);
    world.publish('public', 2);
    expect(client.messages()).toEqual([2]);
  });

  it('refuses a position that the path has never reached', () => {
    const { world, client } = setUp();
    world.publish('public', 1);
    client.want({ path: 'public', position: at(2) });
    expect(client.told('refused')).toEqual([{ paths: [refused('public', 'bad_position')] }]);
    expect(world.dispatcher.paths.size).toBe(0);
  });

  it('refuses the 1,001st subscription alone', () => {
    const { world, client } = setUp();
    client.want(...Array.from({ length: 1_002 }, (_, i) => `public/${i}`));
    expect(gathered(client.frames())).toMatchObject([
      { type: 'subscribed', paths: { length: 1_000 } },
      {
        type: 'refused',
        paths: [
          refused('public/1000', 'too_many_subscriptions'),
          refused('public/1001', 'too_many_subscriptions'),
        ],
      },
    ]);
    client.session.paths.unwant(['public/7']);
    client.want('public/1000');
    expect(client.told('subscribed')).toHaveLength(1);
    expect(world.counters.subscriptions).toBe(1_000);
  });

  it('counts paths that wait as subscriptions, and lets a grant end the wait of a full session', async () => {
    const { client } = setUp({ settings: { maxSubscriptions: 2 } });
    client.want('a', 'b', 'c');
    expect(client.told('refused')).toEqual([{ paths: [refused('c', 'too_many_subscriptions')] }]);
    expect(await client.grant(['a', 'b', 'c'])).toEqual([
      { path: 'a', position: expect.objectContaining({ offset: 0 }) },
      { path: 'b', position: expect.objectContaining({ offset: 0 }) },
      {
        path: 'c',
        error: {
          code: 'too_many_subscriptions',
          message: ERRORS.too_many_subscriptions.message,
          field: 'paths.2',
        },
      },
    ]);
    expect(client.session.paths.permissions.granted.has('c'), 'what was refused was not granted').toBe(false);
  });
});

describe('an unsubscribe', () => {
  it('ends delivery at once, and drops the path when nobody else is on it', () => {
    const { world, client } = setUp();
    const other = world.open({ paths: [{ path: 'public' }] });
    client.want('public');
    client.frames();
    client.session.paths.unwant(['public']);
    world.publish('public', 1);
    expect(client.messages()).toEqual([]);
    expect(other.messages()).toEqual([1]);
    other.session.paths.unwant(['public']);
    expect(world.dispatcher.paths.size).toBe(0);
    expect(world.counters.subscriptions).toBe(0);
  });

  it('of a subscription that is behind ends its replay', () => {
    const { world, client } = setUp();
    world.publish('public', 1);
    client.want({ path: 'public', position: at(0) });
    client.session.paths.unwant(['public']);
    expect(client.messages()).toEqual([]);
  });

  it('lets the others on the path keep their places', () => {
    const world = createWorld();
    const clients = Array.from({ length: 5 }, () => world.open({ paths: [{ path: 'public' }] }));
    for (const index of [1, 4, 0]) clients[index]?.session.paths.unwant(['public']);
    world.publish('public', 'x');
    expect(clients.map((client) => client.messages().length)).toEqual([0, 0, 1, 1, 0]);
  });
});
