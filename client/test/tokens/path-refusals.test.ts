import { describe, expect, it } from 'vitest';
import { at, settled, subscribed, update } from '../support.js';
import { expiry, heardFor, hearing, later, MINUTE, refusal, TokenStage } from './support.js';

const NOTHING = (): void => {};

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
