/** Who may hear what, where all ways are mixed on one server: docs/protocol.md, "Subscribing", as a table. */
import { describe, expect, it } from 'vitest';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { Authentication, PathDecision, SessionWebhook } from '../../../src/core/access/identity.js';
import { pathToken, sessionToken } from '../../support/fake-tokens.js';
import { type Client, createWorld, type World } from '../../support/world.js';

interface Setting {
  readonly world: World;
  readonly client: Client;
  /** The paths that the back end was asked about, question by question. */
  readonly asked: string[][];
}

const IDENTITY: Authentication['identity'] = {
  source: 'webhook',
  ...{ user: 'ann', login: 'device', info: null },
  ...{ grants: [], at: 0, expiresAt: null },
};

/** A server with every way at once; the view grants `view-*`, refuses `not-*`, and leaves the rest open. */
async function mixed(): Promise<Setting> {
  const asked: string[][] = [];
  let world: World | null = null;
  const view: SessionWebhook = {
    authenticate: async () => ({ value: { identity: IDENTITY, refused: [] } }),
    async ask(_asker, paths): Promise<PathDecision> {
      asked.push([...paths]);
      const that = (start: string) => paths.filter((path) => path.startsWith(start));
      return { grants: that('view'), refused: that('not'), at: world?.clock.now() ?? 0 };
    },
  };
  world = createWorld({ view });
  const token = sessionToken({ user: 'ann', grants: ['said', 'public-said', 'said/{x}'] });
  const client = await world.openAsked({ token });
  client.frames();
  return { world, client, asked };
}

/** Everything that asks settles. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const good = pathToken({ paths: ['{any*}'] });
const bad = 'no token';

type Row = [
  what: string,
  prepare: (setting: Setting) => unknown,
  item: SubscribeItem,
  first: string,
  isViewAsked: boolean,
];

const id = 'session-1';
const deny =
  (...paths: string[]) =>
  async ({ world }: Setting) => {
    world.clock.advance(1);
    await world.sessions.admin.disconnect(id, paths);
    world.clock.advance(1);
  };
const grant =
  (...paths: string[]) =>
  ({ world }: Setting) =>
    world.sessions.connect(id, paths);
const nothing = () => undefined;

const ROWS: Row[] = [
  ['reserved, though a token names it', nothing, { path: '::connect', token: good }, 'reserved_path', false],
  ['no path, though a token names it', nothing, { path: 'a*', token: good }, 'bad_path', false],
  ['denied, though public', deny('public'), { path: 'public' }, 'pending', true],
  ['denied, though the session token says so', deny('said'), { path: 'said' }, 'pending', true],
  [
    'denied, though an older token of the path opens it',
    deny('x'),
    { path: 'x', token: pathToken({ paths: ['x'], at: 1 }) },
    'revoked_token',
    false,
  ],
  [
    'denied, and opened by a newer token',
    deny('x'),
    { path: 'x', token: pathToken({ paths: ['x'], at: 9e12 }) },
    'subscribed',
    false,
  ],
  ['denied, and granted by the view that is asked since', deny('view'), { path: 'view' }, 'subscribed', true],
  ['denied, and refused by the view', deny('not'), { path: 'not' }, 'connect_refused', true],
  [
    'denied, and granted by a connect since',
    async (s) => {
      await deny('said')(s);
      grant('said')(s);
    },
    { path: 'said' },
    'subscribed',
    false,
  ],
  [
    'granted by a connect, though its token is bad',
    grant('x'),
    { path: 'x', token: bad },
    'subscribed',
    false,
  ],
  ['granted by the session token, by a path', nothing, { path: 'said' }, 'subscribed', false],
  [
    'granted by the session token, by a pattern',
    nothing,
    { path: 'said/7', token: bad },
    'subscribed',
    false,
  ],
  ['public, though its token is bad', nothing, { path: 'public', token: bad }, 'subscribed', false],
  [
    'opened by its token, though the view would refuse',
    nothing,
    { path: 'not', token: good },
    'subscribed',
    false,
  ],
  [
    'refused for its token, though the view would grant',
    nothing,
    { path: 'view', token: bad },
    'bad_token',
    false,
  ],
  [
    'a token of another path',
    nothing,
    { path: 'view', token: pathToken({ paths: ['x'] }) },
    'bad_token',
    false,
  ],
  [
    'a token of another user',
    nothing,
    { path: 'view', token: pathToken({ paths: ['view'], user: 'bob' }) },
    'user_mismatch',
    false,
  ],
  [
    'a token of this user',
    nothing,
    { path: 'x', token: pathToken({ paths: ['x'], user: 'ann' }) },
    'subscribed',
    false,
  ],
  [
    'an expired token',
    nothing,
    { path: 'x', token: pathToken({ paths: ['x'], expiresAt: 1 }) },
    'expired_token',
    false,
  ],
  ['granted by the view', nothing, { path: 'view' }, 'subscribed', true],
  ['refused by the view', nothing, { path: 'not' }, 'connect_refused', true],
  ['left open by the view', nothing, { path: 'x' }, 'pending', true],
];

describe('where all ways are mixed, a path is', () => {
  it.each(ROWS)('%s', async (_what, prepare, item, expected, isViewAsked) => {
    const setting = await mixed();
    await prepare(setting);
    const { client, asked } = setting;
    client.frames();
    const subscribed = client.session.paths.subscriptions.has(item.path);
    if (subscribed) client.session.paths.unwant([item.path]);
    client.frames();
    client.want(item);
    await settled();
    const told = client.frames().flatMap((frame) => {
      if (!('type' in frame) || !('paths' in frame)) return [];
      return frame.type === 'refused' ? frame.paths.map(({ code }) => code) : [frame.type];
    });
    expect(told).toEqual([expected]);
    expect(asked).toEqual(isViewAsked ? [[item.path]] : []);
  });

  it('denied in the end when nobody says anything', async () => {
    const { world, client } = await mixed();
    await deny('x')({ world, client, asked: [] });
    client.frames();
    client.want('x');
    await settled();
    world.clock.advance(11_000);
    expect(client.told('refused')).toMatchObject([{ paths: [{ path: 'x', code: 'denied' }] }]);
  });

  it('decided together with all others of its frame, and the view is asked once', async () => {
    const { client, asked } = await mixed();
    client.want(
      'public',
      'said',
      'view-1',
      { path: 'x', token: good },
      'view-2',
      'not-1',
      'open-1',
      '::inbox/other',
    );
    const now = client.frames();
    expect(now).toMatchObject([
      { type: 'subscribed', paths: [{ path: 'public' }, { path: 'said' }] },
      { type: 'unsubscribed', paths: ['::inbox/other'] },
    ]);
    await settled();
    expect(asked).toEqual([['view-1', 'view-2', 'not-1', 'open-1']]);
    const later = client.frames();
    expect(later.filter((frame) => 'type' in frame && frame.type !== 'ticket')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'subscribed', paths: [expect.objectContaining({ path: 'x' })] }),
        { type: 'pending', paths: ['open-1'] },
      ]),
    );
    expect(client.session.paths.subscriptions.size).toBe(5);
  });
});

describe('a frame that names a path twice', () => {
  it('is told one decision when only the first item has a token', async () => {
    const client = createWorld().open();
    client.frames();
    client.want({ path: 'twice', token: good }, { path: 'twice' });
    await settled();
    const told = client.frames().filter((frame) => 'type' in frame && frame.type !== 'ticket');
    expect(told).toEqual([{ type: 'pending', paths: ['twice'] }]);
  });
});

describe('a session that is nearly full', () => {
  it('may renew its tokens and name one new path in the same frame', async () => {
    const world = createWorld({ settings: { maxSubscriptions: 10 } });
    const client = world.open();
    const paths = Array.from({ length: 9 }, (_, i) => ({ path: `p${i}`, token: good }));
    client.want(...paths);
    await settled();
    client.frames();
    client.want(...paths, { path: 'p9', token: good });
    await settled();
    expect(client.told('subscribed').flatMap(({ paths }) => paths)).toHaveLength(10);
  });
});
