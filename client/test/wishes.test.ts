/** The last wish is what is heard: of a path one request to the views is under way at a time, in order. */
import { describe, expect, it } from 'vitest';
import { at, Stage, settled, subscribed, update } from './support.js';

const connectUrl = 'http://app.test/connect';
const disconnectUrl = 'http://app.test/disconnect';
const pending = (...paths: string[]) => ({ type: 'pending', paths });
const left = (path: string) => ({ type: 'unsubscribed', paths: [path], by: 'client' });
const byBackEnd = (path: string, received: number) => ({
  ...{ type: 'unsubscribed', paths: [path], by: 'back_end', received },
});
const urls = (stage: Stage) => stage.requests.map(({ url }) => url.slice('http://app.test/'.length));

async function asking(options = {}): Promise<Stage> {
  const stage = new Stage({ connectUrl, disconnectUrl, ...options });
  stage.pomona.connect('a', () => {});
  await stage.transport.opens();
  await stage.transport.says(pending('a'));
  return stage;
}

describe('a path that is left and wanted again at once', () => {
  it('costs the back end nothing', async () => {
    const stage = await asking();
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'));
    stage.pomona.disconnect('a');
    await settled();
    await stage.transport.says(left('a'));
    stage.pomona.connect('a', () => {});
    await settled();
    await stage.transport.says(subscribed('a'));
    await stage.clock.advance(60_000);
    expect([urls(stage), stage.told('unsubscribed')]).toEqual([['connect'], []]);
  });

  it('while the connect view is at work waits for its answer, and is asked about once', async () => {
    const stage = await asking();
    stage.pomona.disconnect('a');
    await settled();
    const subscription = stage.pomona.connect('a', () => {});
    await settled();
    await stage.transport.says(left('a'), pending('a'));
    await stage.clock.advance(5_000);
    expect(urls(stage)).toEqual(['connect']);
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'));
    expect(subscription.state).toBe('subscribed');
  });
});

describe('a release', () => {
  it('waits for the answer of the connect view, and then ends what that has granted', async () => {
    const stage = await asking();
    stage.pomona.disconnect('a');
    await stage.clock.advance(5_000);
    await stage.transport.says(left('a'));
    expect(urls(stage)).toEqual(['connect']);
    await stage.requests[0]?.answer(200);
    await stage.clock.advance(1_000);
    expect(urls(stage)).toEqual(['connect', 'disconnect']);
    expect(stage.transport.sentOf('unsubscribe').length).toBe(2);
  });

  it('that never is answered ends after ten seconds, and the path is asked for', async () => {
    const stage = await asking();
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'));
    stage.pomona.disconnect('a');
    await stage.clock.advance(2_000);
    await stage.transport.says(left('a'));
    stage.pomona.connect('a', () => {});
    await stage.clock.advance(8_999);
    expect(stage.transport.sentOf('subscribe')).toEqual([]);
    await stage.clock.advance(1);
    expect([stage.transport.sentOf('subscribe').length, stage.told('error')]).toEqual([
      1,
      ['disconnect_failed'],
    ]);
  });

  it('that takes effect late is followed by asking again, once', async () => {
    const stage = await asking();
    await stage.requests[0]?.answer(200);
    await stage.transport.says(subscribed('a'));
    stage.pomona.disconnect('a');
    await settled();
    await stage.clock.advance(1_000);
    await stage.transport.says(left('a'));
    await stage.requests[1]?.answer(202); // it goes on beside its answer
    const subscription = stage.pomona.connect('a', () => {});
    await settled();
    await stage.transport.says(subscribed('a', at(4)), update('a', 5), byBackEnd('a', 2));
    await settled();
    expect(stage.told('unsubscribed')).toEqual([]);
    expect(stage.transport.sentOf('subscribe').at(-1)?.paths).toEqual([{ path: 'a', position: at(5) }]);
    await stage.transport.says(subscribed('a', at(5)), byBackEnd('a', 3));
    expect([stage.told('unsubscribed').length, subscription.state]).toEqual([1, 'ended']);
  });
});

describe('what Dobby decided before it had the newest wish', () => {
  it.each([
    ['an end by the back end', byBackEnd('a', 1)],
    ['a refusal', { type: 'refused', received: 1, paths: [{ path: 'a', code: 'denied', message: 'no' }] }],
  ])('(%s) ends nothing', async (_what, frame) => {
    const stage = new Stage();
    await stage.transport.opens();
    stage.pomona.connect('a', () => {});
    await settled();
    stage.pomona.disconnect('a');
    await settled();
    const subscription = stage.pomona.connect('a', () => {});
    await settled();
    // The back end connects and takes away, between the unsubscribe (2) and the subscribe (3).
    await stage.transport.says(subscribed('a'), left('a'), subscribed('a'), frame, subscribed('a'));
    expect([subscription.state, stage.told('unsubscribed'), stage.told('refused')]).toEqual([
      'subscribed',
      [],
      [],
    ]);
  });
});

describe('the connect view', () => {
  it('that never answers is given up after ten seconds, told, and asked again', async () => {
    const stage = await asking();
    await stage.clock.advance(9_999);
    expect(stage.told('refused')).toEqual([]);
    await stage.clock.advance(1);
    expect(stage.told('refused')).toMatchObject([{ path: 'a', code: 'connect_failed', retryable: true }]);
    await stage.clock.advance(250);
    await stage.transport.says(pending('a'));
    expect(urls(stage)).toEqual(['connect', 'connect']);
  });

  it('whose grant comes after its answer, for a path that was left, makes no subscription of its own', async () => {
    const stage = await asking({ disconnectUrl: undefined });
    stage.pomona.disconnect('a');
    await settled();
    await stage.transport.says(left('a'));
    await stage.requests[0]?.answer(200);
    await stage.transport.says(left('a'));
    await stage.transport.says(subscribed('a'));
    expect(stage.transport.sentOf('unsubscribe').length).toBe(3);
    expect(stage.told('subscribed')).toEqual([]);
  });

  it.each(['not_granted', 'denied'])(
    'that is slower than Dobby waits is waited for on, after %s',
    async (code) => {
      const stage = await asking();
      await stage.transport.says({ type: 'refused', paths: [{ path: 'a', code, message: 'no' }] });
      expect([stage.told('refused'), stage.transport.sentOf('subscribe').length]).toEqual([[], 1]);
    },
  );

  it('whose headers never come is bounded too', async () => {
    const stage = await asking({ headers: () => new Promise(() => {}) });
    await stage.clock.advance(10_000);
    expect(stage.told('refused')).toMatchObject([{ code: 'connect_failed' }]);
  });
});
