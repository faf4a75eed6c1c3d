import { describe, expect, it } from 'vitest';
import { withState } from '../../src/state/index.js';
import { at, settled, subscribed, update } from '../support.js';
import { expiry, heardFor, later, refusal, TokenStage } from './support.js';

const NOTHING = (): void => {};
const MINUTE = 60_000;

/** One that hears `a` by the token `a1`, good for ten minutes, and has processed its position 3. */
async function hearing(): Promise<{ stage: TokenStage; messages: unknown[] }> {
  const stage = new TokenStage(['path']);
  const messages: unknown[] = [];
  stage.pomona.connect('a', (message) => void messages.push(message));
  await stage.transport.opens({ pingIntervalMs: 60 * MINUTE });
  await stage.transport.says(heardFor('a', 10 * MINUTE), update('a', 3));
  stage.questions();
  stage.events.length = 0;
  return { stage, messages };
}

describe('a path', () => {
  it('is named with its token in the open frame, when that is there by then', async () => {
    const stage = new TokenStage(['path']);
    stage.pomona.connect('a', NOTHING, { since: at(4) });
    stage.pomona.connect('b', NOTHING);
    await stage.transport.opens();
    expect([stage.asked, stage.transport.open?.paths]).toEqual([
      ['a open', 'b open'],
      [
        { path: 'a', position: at(4), token: 'a1' },
        { path: 'b', token: 'b1' },
      ],
    ]);
  });

  it('is named with its token when it is connected later, and asked about once', async () => {
    const stage = new TokenStage(['path']);
    await stage.transport.opens();
    for (const handler of [() => {}, () => {}]) stage.pomona.connect('a', handler);
    await settled();
    expect([stage.asked, stage.transport.sent]).toEqual([
      ['a open'],
      [{ type: 'subscribe', n: 1, paths: [{ path: 'a', token: 'a1' }] }],
    ]);
  });

  it.each([null, undefined])(
    'that needs no token (%s) is named without, and not asked about again',
    async (none) => {
      const stage = new TokenStage(['path']);
      stage.path = () => none;
      stage.pomona.connect('a', NOTHING);
      await stage.transport.opens();
      await stage.transport.says(subscribed('a'));
      await stage.comesBack();
      await stage.transport.opens({ connection: 2 });
      expect([stage.asked, stage.transports.map(({ open }) => open?.paths)]).toEqual([
        ['a open'],
        [[{ path: 'a' }], [{ path: 'a', position: at(0) }]],
      ]);
    },
  );

  it('whose token is still being fetched keeps no other waiting, and is named when it is there', async () => {
    const stage = new TokenStage(['path']);
    const { promise, give } = later();
    stage.path = (path) => (path === 'slow' ? promise : 'quick');
    for (const path of ['slow', 'a']) stage.pomona.connect(path, NOTHING);
    await stage.transport.opens();
    stage.pomona.connect('b', NOTHING);
    await settled();
    expect(stage.transport.open?.paths).toEqual([{ path: 'a', token: 'quick' }]);
    expect(stage.transport.sent).toEqual([
      { type: 'subscribe', n: 1, paths: [{ path: 'b', token: 'quick' }] },
    ]);
    give('late');
    await settled();
    expect(stage.transport.sent[1]).toEqual({
      type: 'subscribe',
      n: 2,
      paths: [{ path: 'slow', token: 'late' }],
    });
    expect(stage.questions().filter((question) => question.startsWith('slow'))).toEqual(['slow open']);
  });

  it('does not wait for the token of the session, but is asked about beside it', async () => {
    const stage = new TokenStage();
    stage.session = () => new Promise(() => {});
    stage.pomona.connect('a', NOTHING);
    await settled();
    expect(stage.asked).toEqual(['a open', 'session open']);
  });

  it('of the server itself needs none', async () => {
    const stage = new TokenStage(['path']);
    await stage.transport.opens();
    await stage.transport.says({ path: '::all', message: 1 }, subscribed('::all'));
    await stage.comesBack();
    await stage.transport.opens({ connection: 2 });
    expect([stage.asked, stage.transport.open?.paths]).toEqual([[], [{ path: '::all', position: at(0) }]]);
  });

  it('keeps its token over reconnects and over a new session', async () => {
    const { stage } = await hearing();
    await stage.comesBack({ code: 4100 });
    await stage.transport.opens({ id: 'two' });
    expect([stage.asked, stage.transport.open?.paths]).toEqual([
      [],
      [{ path: 'a', position: at(3), token: 'a1' }],
    ]);
  });

  it('is one of at most a hundred with tokens in a frame', async () => {
    const stage = new TokenStage(['path']);
    for (let i = 0; i < 150; i++) stage.pomona.connect(`o${i}`, NOTHING);
    await stage.transport.opens();
    for (let i = 0; i < 250; i++) stage.pomona.connect(`s${i}`, NOTHING);
    await settled();
    const frames = [stage.transport.open, ...stage.transport.sentOf('subscribe')];
    const paths = frames.flatMap((frame) => frame?.paths ?? []);
    expect(Math.max(...frames.map((frame) => frame?.paths?.length ?? 0))).toBeLessThanOrEqual(100);
    expect(new Set(paths.map(({ path }) => path)).size).toBe(400);
    expect(paths.every(({ path, token }) => token === `${path}1`)).toBe(true);
  });

  it('that is left is not asked about any more; connected once more it is asked about anew', async () => {
    const { stage } = await hearing();
    stage.pomona.disconnect('a');
    await settled();
    await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' });
    await stage.clock.advance(20 * MINUTE);
    expect(stage.asked).toEqual([]);
    stage.pomona.connect('a', NOTHING);
    await settled();
    expect(stage.questions()).toEqual(['a open']);
  });
});

describe('a renewal', () => {
  it('names the path once more, with the position processed, and handlers notice nothing', async () => {
    const { stage, messages } = await hearing();
    await stage.clock.advance(8 * MINUTE - 1);
    expect(stage.asked).toEqual([]);
    await stage.clock.advance(1);
    expect([stage.questions(), stage.transport.sent]).toEqual([
      ['a renew'],
      [{ type: 'subscribe', n: 1, paths: [{ path: 'a', position: at(3), token: 'a2' }] }],
    ]);
    // The server stands further on: what was between was for others.
    await stage.transport.says(heardFor('a', 10 * MINUTE, at(7)), update('a', 8));
    expect([messages, stage.events]).toEqual([[3, 8], []]);
    await stage.clock.advance(8 * MINUTE);
    expect(stage.asked).toEqual(['a renew']);
  });

  it('asks for all that are due at once, and names them in one frame', async () => {
    const stage = new TokenStage(['path']);
    for (const path of ['a', 'b']) stage.pomona.connect(path, NOTHING);
    await stage.transport.opens({ pingIntervalMs: 60 * MINUTE });
    await stage.transport.says(heardFor('a', MINUTE), heardFor('b', MINUTE));
    await stage.clock.advance(MINUTE);
    expect(stage.transport.sentOf('subscribe').map(({ paths }) => paths.length)).toEqual([2]);
  });

  it('that fails is told as retryable, tried again in growing windows, and the path is heard on', async () => {
    const { stage, messages } = await hearing();
    stage.path = () => Promise.reject(new Error('away'));
    await stage.clock.advance(8 * MINUTE);
    for (const [index, waitMs] of [250, 500, 1_000].entries()) {
      expect(stage.told('refused').length).toBe(index + 1);
      await stage.clock.advance(waitMs - 1);
      expect(stage.told('refused').length).toBe(index + 1);
      await stage.clock.advance(1);
    }
    expect(stage.told('refused')[0]).toMatchObject({ path: 'a', code: 'token_failed', retryable: true });
    await stage.transport.says(update('a', 4));
    expect(messages).toEqual([3, 4]);
    stage.path = () => 'good';
    await stage.clock.advance(2_000);
    expect(stage.transport.sent).toEqual([
      { type: 'subscribe', n: 1, paths: [{ path: 'a', position: at(4), token: 'good' }] },
    ]);
  });

  it('that Dobby cannot judge is told as retryable and tried again, and the path is heard on', async () => {
    const { stage, messages } = await hearing();
    await stage.clock.advance(8 * MINUTE);
    await stage.transport.says(refusal('a', 'keys_unavailable'), update('a', 4));
    expect(stage.told('refused')).toMatchObject([{ path: 'a', code: 'token_failed', retryable: true }]);
    await stage.clock.advance(250);
    await stage.transport.says(heardFor('a', 10 * MINUTE, at(6)), update('a', 7));
    expect([stage.asked, messages, stage.told('gap')]).toEqual([['a renew', 'a renew'], [3, 4, 7], []]);
  });

  it('that Dobby refuses is asked about once more, while the path is heard on', async () => {
    const { stage, messages } = await hearing();
    await stage.clock.advance(8 * MINUTE);
    await stage.transport.says(refusal('a', 'bad_token'), update('a', 4));
    expect(stage.questions()).toEqual(['a renew', 'a refused']);
    await stage.transport.says(heardFor('a', 10 * MINUTE, at(6)), update('a', 7));
    expect([messages, stage.events]).toEqual([[3, 4, 7], []]);
  });

  it('that fails does not keep the path out of the next opening, and is told to its subscriptions too', async () => {
    const { stage } = await hearing();
    const told: string[] = [];
    stage.pomona.connect('a', NOTHING).on('refused', ({ code }) => told.push(code));
    stage.path = () => Promise.reject(new Error('away'));
    await stage.clock.advance(8 * MINUTE);
    await stage.comesBack();
    await stage.transport.opens({ connection: 2, resumed: true });
    expect(told).toEqual(['token_failed']);
    expect(stage.transport.open?.paths).toEqual([{ path: 'a', position: at(3), token: 'a1' }]);
  });

  it('that fails when the path was left meanwhile is told to nobody', async () => {
    const { stage } = await hearing();
    const { promise, fail } = later();
    stage.path = () => promise;
    await stage.clock.advance(8 * MINUTE);
    stage.pomona.disconnect('a');
    fail(new Error('away'));
    await settled();
    await stage.transport.says(refusal('a', 'bad_token'));
    expect([stage.told('refused'), stage.asked]).toEqual([[], ['a renew']]);
  });

  it('waits for a connection', async () => {
    const { stage } = await hearing();
    await stage.transport.ends({ reconnectAfterMs: 9 * MINUTE });
    await stage.clock.advance(8 * MINUTE);
    expect(stage.asked).toEqual([]);
    await stage.clock.advance(MINUTE);
    await stage.transport.opens({ connection: 2, resumed: true });
    await stage.clock.advance(0);
    expect([stage.asked, stage.transport.open?.paths, stage.transport.sentOf('subscribe')]).toMatchObject([
      ['a renew'],
      [{ path: 'a', token: 'a1' }],
      [{ paths: [{ path: 'a', token: 'a2' }] }],
    ]);
  });

  it('whose source is slower than the token lives is one question', async () => {
    const { stage } = await hearing();
    const { promise, give } = later();
    stage.path = () => promise;
    await stage.clock.advance(8 * MINUTE);
    await stage.transport.says(heardFor('a', 1_000, at(3)));
    await stage.clock.advance(MINUTE);
    expect(stage.asked).toEqual(['a renew']);
    give('late');
    await settled();
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });

  it('leaves no timer when Pomona is closed', async () => {
    const { stage } = await hearing();
    stage.pomona.close();
    expect(stage.clock.pending).toBe(0);
  });
});

describe('an expiry', () => {
  it('lets the path be wanted again from its last position: nothing is lost, doubled, or told as ended', async () => {
    const { stage, messages } = await hearing();
    await stage.transport.says(expiry('a'));
    expect([stage.asked, stage.transport.sent]).toEqual([
      ['a refused'],
      [{ type: 'subscribe', n: 1, paths: [{ path: 'a', position: at(3), token: 'a2' }] }],
    ]);
    await stage.transport.says(heardFor('a', 10 * MINUTE, at(3)), update('a', 3), update('a', 4));
    expect([messages, stage.told('unsubscribed'), stage.told('gap')]).toEqual([[3, 4], [], []]);
  });

  it('is told as a gap when the back end connects the path from further on before it is wanted again', async () => {
    const { stage } = await hearing();
    stage.path = () => new Promise(() => {});
    await stage.transport.says(expiry('a'), subscribed('a', at(9)));
    expect(stage.told('gap')).toEqual([{ path: 'a', from: at(3), to: at(9), reason: 'evicted' }]);
  });

  it('is seen in the state until the path is heard again', async () => {
    const { stage } = await hearing();
    const subscription = stage.pomona.connect('a', NOTHING);
    const states: string[] = [];
    subscription.on('state', (state) => states.push(state));
    await stage.transport.says(expiry('a'));
    expect(subscription.state).toBe('asking');
    await stage.transport.says(heardFor('a', 10 * MINUTE, at(3)));
    expect(states).toEqual(['asking', 'subscribed']);
  });

  it('while a renewal is under way needs no other question', async () => {
    const { stage } = await hearing();
    const { promise, give } = later();
    stage.path = () => promise;
    await stage.clock.advance(8 * MINUTE);
    await stage.transport.says(expiry('a'));
    give('late');
    await settled();
    expect([stage.asked, stage.transport.sent]).toEqual([
      ['a renew'],
      [{ type: 'subscribe', n: 1, paths: [{ path: 'a', position: at(3), token: 'late' }] }],
    ]);
  });

  it('right after the last one is no loop: it is told, and waits', async () => {
    const { stage } = await hearing();
    await stage.clock.advance(MINUTE);
    await stage.transport.says(expiry('a'));
    await stage.transport.says(heardFor('a', 10, at(3)), expiry('a'));
    expect([stage.questions(), stage.told('refused')]).toMatchObject([
      ['a refused'],
      [{ path: 'a', code: 'token_failed', retryable: true }],
    ]);
    await stage.clock.advance(249);
    expect(stage.asked).toEqual([]);
    await stage.clock.advance(1);
    expect([stage.asked, stage.transport.sent.at(-1)]).toMatchObject([
      ['a refused'],
      { type: 'subscribe', paths: [{ path: 'a', position: at(3) }] },
    ]);
  });

  it('of a path that has no token, or is heard by none, is an end as the back end makes it', async () => {
    const stage = new TokenStage(['session']);
    const subscription = stage.pomona.connect('a', NOTHING);
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), expiry('a'));
    expect([subscription.state, stage.told('unsubscribed')]).toEqual([
      'ended',
      [{ path: 'a', by: 'expiry' }],
    ]);
    const other = new TokenStage(['path']);
    other.path = () => null;
    const unheard = other.pomona.connect('a', NOTHING);
    await other.transport.opens();
    await other.transport.says(subscribed('a'), expiry('a'));
    expect([unheard.state, other.asked]).toEqual(['ended', ['a open']]);
  });

  it('of a path that is being left is left alone', async () => {
    const { stage } = await hearing();
    stage.pomona.disconnect('a');
    await stage.transport.says(expiry('a'));
    expect([stage.asked, stage.told('unsubscribed')]).toEqual([[], []]);
  });
});

describe('a refusal', () => {
  it.each(['expired_token', 'bad_token', 'revoked_token'])(
    'with %s is asked about once, from the last position; the second is for good',
    async (code) => {
      const { stage } = await hearing();
      await stage.comesBack();
      await stage.transport.opens({ connection: 2, id: 'two', pingIntervalMs: 60 * MINUTE });
      await stage.clock.advance(10_000);
      await stage.transport.says(refusal('a', code));
      expect([stage.questions(), stage.told('refused')]).toEqual([['a refused'], []]);
      expect(stage.transport.sent).toEqual([
        { type: 'subscribe', n: 1, paths: [{ path: 'a', position: at(3), token: 'a2' }] },
      ]);
      await stage.transport.says(refusal('a', code));
      expect([stage.questions(), stage.told('refused')]).toEqual([
        [],
        [{ path: 'a', code, message: 'no', retryable: false }],
      ]);
      await stage.clock.advance(20 * MINUTE);
      expect([stage.questions(), stage.transport.sent.length]).toEqual([[], 1]);
    },
  );

  it('on a new connection is the first again: nobody knows what became of the token before', async () => {
    const { stage } = await hearing();
    await stage.transport.says(expiry('a'));
    await stage.comesBack();
    await stage.transport.opens({ connection: 2, resumed: true });
    await stage.transport.says(refusal('a', 'expired_token'));
    expect([stage.asked, stage.told('refused')]).toEqual([['a refused', 'a refused'], []]);
  });

  it('for good is asked about anew when the path is connected again', async () => {
    const stage = new TokenStage(['path']);
    stage.pomona.connect('a', NOTHING);
    await stage.transport.opens();
    await stage.transport.says(refusal('a', 'bad_token'));
    await stage.transport.says(refusal('a', 'bad_token'));
    stage.questions();
    stage.pomona.connect('a', NOTHING);
    await settled();
    await stage.transport.says(refusal('a', 'bad_token'));
    expect([stage.asked, stage.told('refused').length]).toEqual([['a open', 'a refused'], 1]);
  });

  it('of another kind is for good at once, and needs another token when the path is connected again', async () => {
    const stage = new TokenStage(['path']);
    stage.pomona.connect('a', NOTHING);
    await stage.transport.opens();
    await stage.transport.says(refusal('a', 'user_mismatch'));
    expect(stage.told('refused')).toMatchObject([{ code: 'user_mismatch', retryable: false }]);
    stage.pomona.connect('a', NOTHING);
    await settled();
    expect(stage.asked).toEqual(['a open', 'a open']);
  });

  it('because keys cannot be had is asked again with the same token', async () => {
    const stage = new TokenStage(['path']);
    stage.pomona.connect('a', NOTHING);
    await stage.transport.opens();
    await stage.transport.says(refusal('a', 'keys_unavailable'));
    expect(stage.told('refused')).toMatchObject([{ code: 'keys_unavailable', retryable: true }]);
    await stage.clock.advance(250);
    expect([stage.asked, stage.transport.sentOf('subscribe')]).toMatchObject([
      ['a open'],
      [{ paths: [{ path: 'a', token: 'a1' }] }],
    ]);
  });
});

describe('a source that fails', () => {
  it.each([
    ['rejects', () => Promise.reject(new Error('away'))],
    ['gives no text', () => 7],
  ])(
    'is told as a retryable refusal of that path, and asked again in growing windows (%s)',
    async (_what, source) => {
      const stage = new TokenStage(['path']);
      stage.path = (path) => (path === 'a' ? source() : null);
      await stage.transport.opens();
      const subscription = stage.pomona.connect('a', NOTHING);
      stage.pomona.connect('b', NOTHING);
      await settled();
      expect(stage.transport.sent).toEqual([{ type: 'subscribe', n: 1, paths: [{ path: 'b' }] }]);
      expect([stage.told('refused'), subscription.state]).toMatchObject([
        [{ path: 'a', code: 'token_failed', message: expect.stringContaining('"a"'), retryable: true }],
        'asking',
      ]);
      expect(stage.questions()).toEqual(['a open', 'b open']);
      for (const waitMs of [250, 500, 1_000]) {
        await stage.clock.advance(waitMs - 1);
        expect(stage.questions()).toEqual([]);
        await stage.clock.advance(1);
        expect(stage.questions()).toEqual(['a open']);
      }
      stage.path = () => 'good';
      await stage.clock.advance(2_000);
      expect(stage.transport.sent[1]).toEqual({
        type: 'subscribe',
        n: 2,
        paths: [{ path: 'a', token: 'good' }],
      });
    },
  );

  it('before the first opening is not asked again by the opening itself, nor while the network is away', async () => {
    const stage = new TokenStage(['path']);
    stage.path = () => Promise.reject(new Error('away'));
    stage.pomona.connect('a', NOTHING);
    await settled();
    stage.transport.asks();
    expect(stage.questions()).toEqual(['a open']);
    await stage.clock.advance(5_000);
    expect(stage.questions()).toEqual([]);
    stage.path = () => 'good';
    await stage.transport.opens();
    expect([stage.asked, stage.transport.sent]).toEqual([
      ['a open'],
      [{ type: 'subscribe', n: 1, paths: [{ path: 'a', token: 'good' }] }],
    ]);
  });
});

it('goes with states, in either order', async () => {
  for (const isFirst of [true, false]) {
    const stage = new TokenStage(['path']);
    const stated = withState(stage.pomona);
    if (isFirst) await stage.transport.opens();
    stated.connect('a', NOTHING, { state: true });
    await settled();
    if (!isFirst) await stage.transport.opens();
    const paths = isFirst ? stage.transport.sentOf('subscribe')[0]?.paths : stage.transport.open?.paths;
    expect(paths).toEqual([{ path: 'a', token: 'a1', state: 'snapshot' }]);
  }
});
