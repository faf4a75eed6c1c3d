/** Ends that a page can act on, and coming back as another visitor without a page load. */
import { describe, expect, it } from 'vitest';
import { withTokens } from '../src/tokens/index.js';
import { at, Stage, settled, subscribed } from './support.js';

describe('a kick', () => {
  it('is an event of its own, and Pomona comes back as a new session', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says({ type: 'closing', code: 4100, message: 'The back end ended the session.' });
    expect([stage.told('kicked'), stage.told('error')]).toEqual([
      [{ message: 'The back end ended the session.', isFinal: false }],
      [],
    ]);
    await stage.clock.advance(500);
    await stage.transport.opens({ id: 'two' });
    expect([stage.transport.open?.ticket, stage.transport.open?.paths]).toEqual([undefined, [{ path: 'a' }]]);
  });

  it('for good closes Pomona, which comes back with its subscriptions when it is reopened', async () => {
    const stage = new Stage();
    const subscription = stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), { type: 'closing', code: 4201, message: 'For good.' });
    expect([stage.pomona.state, subscription.state, stage.told('kicked')]).toEqual([
      'closed',
      'ended',
      [{ message: 'For good.', isFinal: true }],
    ]);
    stage.pomona.reopen();
    expect(subscription.state).toBe('asking');
    await settled();
    await stage.transport.opens({ id: 'two' });
    await stage.transport.says(subscribed('a'));
    expect([stage.transport.open?.paths, stage.pomona.state, subscription.state]).toEqual([
      [{ path: 'a' }],
      'open',
      'subscribed',
    ]);
  });
});

it.each([
  [4007, 'expired_token', 'expired_token'],
  [4008, undefined, 'identity_expired'],
])('an identity that has expired (%i) is an event of its own', async (code, error, told) => {
  const stage = new Stage();
  await stage.transport.opens();
  await stage.transport.says({ type: 'closing', code, message: 'expired', ...(error && { error }) });
  expect([stage.told('expired'), stage.told('error')]).toEqual([[{ code: told, message: 'expired' }], []]);
  await stage.clock.advance(500);
  stage.transport.asks();
  expect(stage.transport.open?.ticket).toBe('ticket-1');
});

describe('reopen', () => {
  it('ends the session, opens another without the ticket, and asks for what was refused or ended too', async () => {
    const stage = new Stage({ connectUrl: 'http://app.test/connect' });
    for (const path of ['a', 'b', 'c']) stage.pomona.connect(path, () => {});
    await stage.transport.opens();
    await stage.transport.says(
      subscribed('a', at(3)),
      { type: 'refused', paths: [{ path: 'b', code: 'denied', message: 'no' }] },
      subscribed('c'),
      { type: 'unsubscribed', paths: ['c'], by: 'back_end' },
    );
    const older = stage.transport;
    stage.pomona.reopen();
    await settled();
    await stage.transport.opens({ id: 'two' });
    expect([older.closed, stage.transport.open]).toEqual([
      'with farewell',
      { type: 'open', protocol: 1, paths: [{ path: 'a', position: at(3) }, { path: 'b' }, { path: 'c' }] },
    ]);
    expect(stage.transport.attempt).toBe(2);
  });

  it('does not act on what the views answer to the visitor before', async () => {
    const stage = new Stage({ connectUrl: 'http://app.test/connect' });
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says({ type: 'pending', paths: ['a'] });
    stage.pomona.reopen();
    await stage.requests[0]?.answer(403);
    await settled();
    await stage.transport.opens({ id: 'two' });
    await stage.transport.says({ type: 'pending', paths: ['a'] });
    expect([stage.told('refused'), stage.requests.at(-1)?.body]).toEqual([[], { uid: 'two', paths: ['a'] }]);
  });

  it('asks for the tokens of the new visitor, also while one is being asked for', async () => {
    const stage = new Stage();
    const gives: ((token: string) => void)[] = [];
    withTokens(stage.pomona, { session: () => new Promise((resolve) => gives.push(resolve)) });
    await settled();
    stage.pomona.reopen();
    await settled();
    gives[0]?.('of the visitor before');
    await settled();
    gives[1]?.('of the new one');
    await settled();
    await stage.transport.opens();
    expect(stage.transport.open).toMatchObject({ token: 'of the new one' });
    stage.pomona.reopen();
    await settled();
    gives[2]?.('of the next one');
    await settled();
    await stage.transport.opens({ id: 'two' });
    expect(stage.transport.open).toMatchObject({ token: 'of the next one' });
  });

  it('does not wait when a wait is under way, and is refused after close', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.says({ type: 'closing', code: 4000, message: 'away', reconnectAfterMs: 60_000 });
    stage.pomona.reopen();
    await settled();
    await stage.transport.opens({ id: 'two' });
    expect(stage.pomona.state).toBe('open');
    stage.pomona.close();
    expect(() => stage.pomona.reopen()).toThrow(expect.objectContaining({ code: 'closed' }));
  });
});
