import { describe, expect, it } from 'vitest';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type {
  PathDecision,
  PathToken,
  SessionWebhook,
  TokenReader,
} from '../../../src/core/access/identity.js';
import { MAX_WAITING_PATHS } from '../../../src/core/session/path-decisions.js';
import { createWorld } from '../../support/world.js';

/** Tokens that are read when the test says so; every one is wrong. */
function heldTokens() {
  const asked: string[] = [];
  const waiting: ((read: Outcome<PathToken>) => void)[] = [];
  const reader: TokenReader = {
    identity: async () => ({ error: errorBody('bad_token') }),
    pathToken: (token) => {
      asked.push(token);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
  const settle = async (most: number) => {
    for (let i = 0; i < most; i++) {
      waiting.shift()?.({ error: errorBody('bad_token') });
      await new Promise(setImmediate);
    }
  };
  return { asked, reader, settle };
}

/** A back end that answers when the test says so. */
function heldView() {
  const asked: (readonly string[])[] = [];
  const waiting: ((word: PathDecision | null) => void)[] = [];
  const view: SessionWebhook = {
    authenticate: async () => ({ error: errorBody('not_identified') }),
    ask: (_, paths) => {
      asked.push(paths);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
  const settle = async (word: PathDecision | null) => {
    waiting.shift()?.(word);
    await new Promise(setImmediate);
  };
  return { asked, view, settle };
}

const PATHS = Array.from({ length: 100 }, (_, i) => `p${i}`);
const frame = (n: number) => ({
  type: 'subscribe' as const,
  n,
  paths: PATHS.map((path) => ({ path, token: `${path} of frame ${n}` })),
});

describe('paths that are asked for again with other tokens', () => {
  it('are looked at by their newest tokens only: superseded ones vanish', async () => {
    const { asked, reader, settle } = heldTokens();
    const world = createWorld({ tokens: reader });
    const client = world.open();
    for (let n = 1; n <= 500; n++) client.send(frame(n));
    await settle(500);
    expect(asked.length).toBeLessThanOrEqual(101);
    expect(asked.at(-1)).toBe('p99 of frame 500');
    expect(world.counters.pending).toBe(0);
    const refused = client.told('refused').flatMap(({ paths }) => paths as { path: string }[]);
    expect(refused.map(({ path }) => path).sort()).toEqual([...PATHS].sort());
    expect(world.tokenBudget.held).toBe(0);
  });

  it('are counted by what their tokens hold, of one session and of all', async () => {
    const { asked, reader, settle } = heldTokens();
    const world = createWorld({ tokens: reader });
    const clients = Array.from({ length: 100 }, () => world.open());
    const large = (i: number) => `${i}`.padEnd(LIMITS.tokenCharacters, 'x');
    const first = clients[0];
    for (let n = 1; n <= 30; n++) {
      const paths = [0, 1, 2].map((i) => ({ path: `large ${n} ${i}`, token: large(n * 3 + i) }));
      for (const client of clients) client.send({ type: 'subscribe', n, paths });
    }
    expect(world.tokenBudget.held).toBeLessThanOrEqual(32 * 1024 * 1024);
    const codes = first
      ?.told('refused')
      .flatMap(({ paths }) => (paths as { code: string }[]).map(({ code }) => code));
    expect(new Set(codes)).toEqual(new Set(['too_many_tokens']));
    expect(codes?.length).toBeGreaterThan(50);
    const waiting = world.counters.pending;
    expect(waiting).toBeLessThan(100 * 90);
    for (const client of clients) client.send({ type: 'close' });
    expect([world.counters.pending, world.tokenBudget.held]).toEqual([0, 0]);
    const before = asked.length;
    await settle(1_000);
    expect(asked.length).toBe(before);
  });

  it('go on by the token before, when the newer one finds no room', async () => {
    const { reader, settle } = heldTokens();
    const passing: TokenReader = {
      ...reader,
      pathToken: async (token) =>
        token === 'good'
          ? { value: { user: null, login: null, paths: ['book'], at: 1, expiresAt: Number.MAX_SAFE_INTEGER } }
          : reader.pathToken(token),
    };
    const world = createWorld({ tokens: passing });
    const client = world.open();
    client.send({ type: 'subscribe', n: 1, paths: [{ path: 'book', token: 'good' }] });
    await settle(1);
    expect(client.told('subscribed')).toHaveLength(1);
    const large = (i: number) => `${i}`.padEnd(LIMITS.tokenCharacters, 'x');
    for (let n = 2; n <= 34; n++)
      client.send({ type: 'subscribe', n, paths: [{ path: `other ${n}`, token: large(n) }] });
    client.send({ type: 'subscribe', n: 35, paths: [{ path: 'book', token: large(0) }] });
    await settle(0);
    expect(client.session.paths.subscriptions.has('book')).toBe(true);
  });
});

describe('a session that has ended', () => {
  it('is not worked for: none of its tokens is read any more', async () => {
    const { asked, reader, settle } = heldTokens();
    const world = createWorld({ tokens: reader });
    const client = world.open();
    client.send(frame(1));
    await settle(3);
    client.send({ type: 'close' });
    const before = asked.length;
    await settle(200);
    expect(asked.length).toBe(before);
  });

  it('is not asked about any more', async () => {
    const { asked, view, settle } = heldView();
    const world = createWorld({ view });
    const client = world.open();
    client.want('a');
    client.want('b');
    client.send({ type: 'close' });
    await settle(null);
    await settle(null);
    expect(asked).toEqual([['a']]);
  });
});

describe('paths that are wanted, given up and wanted again while the back end is asked', () => {
  it('are asked about once more, however often that was', async () => {
    const { asked, view, settle } = heldView();
    const world = createWorld({ view });
    const client = world.open();
    for (let i = 0; i < 200; i++) {
      client.want('a');
      client.session.paths.unwant(['a']);
    }
    client.want('a');
    await settle({ grants: [], refused: [], at: 1 });
    await settle({ grants: ['a'], refused: [], at: world.clock.now() });
    expect(asked).toEqual([['a'], ['a']]);
    expect(client.session.paths.subscriptions.has('a')).toBe(true);
  });
});

describe('openings that wait to be identified', () => {
  it('are counted by what they hold: others are told to come back', async () => {
    const { view } = heldView();
    const world = createWorld({ view: { ...view, authenticate: () => new Promise(() => undefined) } });
    const paths = Array.from({ length: 500 }, (_, i) => ({ path: `${i}`.padEnd(255, 'x') }));
    let refusal: unknown = null;
    let waiting = 0;
    for (; waiting < 1_000 && refusal === null; waiting++) {
      void world.tryOpenAsked({ paths }).then((outcome) => {
        refusal = outcome;
      });
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(refusal).toMatchObject({
      error: { code: 'too_many_opens' },
      close: 'busy',
      reconnectAfterMs: 2_000,
    });
    expect(waiting).toBeLessThan(300);
  });
});

describe('paths that wait for the back end', () => {
  it('are bounded in number, all together; others are told to ask again', () => {
    const world = createWorld();
    const paths = Array.from({ length: 1_000 }, (_, i) => ({ path: `wait ${i}` }));
    for (let i = 0; i < 100; i++) world.open({ paths });
    const late = world.open({ paths: [{ path: 'wait' }, { path: 'public' }] });
    expect(world.counters.pending).toBe(MAX_WAITING_PATHS);
    const told = late.frames();
    expect(told).toContainEqual(expect.objectContaining({ type: 'subscribed' }));
    expect(told).toContainEqual(
      expect.objectContaining({
        type: 'refused',
        paths: [expect.objectContaining({ code: 'subscriptions_full' })],
      }),
    );
  });
});
