import { describe, expect, it } from 'vitest';
import { withState } from '../../src/state/index.js';
import { at, settled, subscribed, update } from '../support.js';
import { heardFor, hearing, later, MINUTE, refusal, TokenStage } from './support.js';

const NOTHING = (): void => {};

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
    await stage.clock.advance(MINUTE / 4);
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

it('is asked for anew when Pomona is reopened', async () => {
  const { stage } = await hearing();
  stage.pomona.reopen();
  await settled();
  await stage.transport.opens({ id: 'two' });
  expect([stage.questions(), stage.transport.open?.paths]).toMatchObject([['a open'], [{ token: 'a2' }]]);
});
