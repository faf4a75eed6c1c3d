import { describe, expect, it } from 'vitest';
import { at, coreOf, Stage, settled, subscribed } from './support.js';

describe('a refusal by Dobby', () => {
  const refusal = (path: string, code: string) => ({ path, code, message: 'no' });

  it.each(['connect_failed', 'keys_unavailable'])(
    'with %s is told as retryable and asked again by itself, in growing windows, all paths together',
    async (code) => {
      const stage = new Stage();
      const paths = [
        { path: 'a', position: at(1) },
        { path: 'b', position: at(2) },
      ];
      for (const { path, position } of paths) stage.pomona.connect(path, () => {}, { since: position });
      await stage.transport.opens();
      for (const [index, waitMs] of [250, 500, 1_000].entries()) {
        await stage.transport.says({ type: 'refused', paths: [refusal('a', code), refusal('b', code)] });
        expect(stage.told('refused').at(-1)).toEqual({ ...refusal('b', code), retryable: true });
        await stage.clock.advance(waitMs - 1);
        expect(stage.transport.sent.length).toBe(index);
        await stage.clock.advance(1);
        expect(stage.transport.sent[index]).toEqual({ type: 'subscribe', n: index + 1, paths });
      }
      await stage.transport.says(subscribed('a', at(1)));
      await stage.transport.says({ type: 'refused', paths: [refusal('b', code)] });
      await stage.clock.advance(250);
      expect(stage.transport.sent[3]).toEqual({ type: 'subscribe', n: 4, paths: [paths[1]] });
    },
  );

  it('that may be lifted is asked about again in the next session too', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says({ type: 'refused', paths: [refusal('a', 'connect_failed')] });
    stage.random = 0.1;
    await stage.transport.ends({ code: 4100 });
    await stage.clock.advance(50);
    await stage.transport.opens({ id: 'two' });
    stage.random = 0.5;
    await stage.transport.says({ type: 'refused', paths: [refusal('a', 'connect_failed')] });
    await stage.clock.advance(499);
    expect(stage.transport.sent).toEqual([]);
    await stage.clock.advance(1);
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });

  it('that may be lifted is not asked about in a loop when it meets a path that was heard before', async () => {
    const stage = new Stage();
    const subscription = stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, connection: 2 });
    await stage.transport.says({ type: 'refused', paths: [refusal('a', 'connect_failed')] });
    expect([stage.transport.sent, subscription.state]).toEqual([[], 'asking']);
    await stage.clock.advance(250);
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
    await stage.transport.says(subscribed('a'));
    expect([subscription.state, stage.told('gap')]).toEqual(['subscribed', []]);
  });
});

describe('a path that cannot be named yet', () => {
  it('is left out by itself, of the open frame too, and named when it can be', async () => {
    const stage = new Stage();
    const { changed } = coreOf(stage.pomona);
    let isReady = false;
    stage.pomona.extend('patience', () => ({
      naming: ({ path }) => (isReady || path !== 'a' ? undefined : null),
    }));
    for (const path of ['a', 'b']) stage.pomona.connect(path, () => {});
    await stage.transport.opens();
    stage.pomona.connect('c', () => {});
    await settled();
    expect(stage.transport.open?.paths).toEqual([{ path: 'b' }]);
    expect(stage.transport.sent).toEqual([{ type: 'subscribe', n: 1, paths: [{ path: 'c' }] }]);
    isReady = true;
    changed();
    await settled();
    expect(stage.transport.sent[1]).toEqual({ type: 'subscribe', n: 2, paths: [{ path: 'a' }] });
  });
});
