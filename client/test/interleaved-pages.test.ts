/** A page that goes and comes back in the middle of something. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Stage, settled, subscribed } from './support.js';

const listeners = new Map<string, Set<() => void>>();
const target = () => ({
  addEventListener: (name: string, run: () => void, { signal }: { signal: AbortSignal }) => {
    listeners.set(name, (listeners.get(name) ?? new Set()).add(run));
    signal.addEventListener('abort', () => listeners.get(name)?.delete(run));
  },
});
const happens = async (name: string) => {
  for (const run of [...(listeners.get(name) ?? [])]) run();
  await settled();
};
beforeEach(() => {
  listeners.clear();
  for (const [name, run] of Object.entries(target())) vi.stubGlobal(name, run);
  vi.stubGlobal('document', { visibilityState: 'visible', ...target() });
});
afterEach(() => vi.unstubAllGlobals());

it('a restored page keeps the slot that the server gave it', async () => {
  const stage = new Stage();
  await stage.transport.opens();
  await stage.transport.says({ type: 'closing', code: 4000, message: 'r', reconnectAfterMs: 30_000 });
  await happens('online');
  expect(stage.transports.length).toBe(1);
  await happens('pagehide');
  await happens('pageshow');
  expect(stage.transports.length).toBe(1);
});

it('close() during reopen leaves no listener on the window', async () => {
  const stage = new Stage();
  const s = stage.pomona.connect('a', () => {});
  await stage.transport.opens();
  await stage.transport.says({ type: 'closing', code: 4201, message: 'x' });
  s.on('state', (state) => state === 'asking' && stage.pomona.close());
  stage.pomona.reopen();
  await settled();
  expect([stage.pomona.state, [...listeners.values()].reduce((n, { size }) => n + size, 0)]).toEqual([
    'closed',
    0,
  ]);
});

it('a grant for a path that was given up, heard of 25 s later', async () => {
  const stage = new Stage({ connectUrl: 'http://app.test/c' });
  const s = stage.pomona.connect('a', () => {});
  await stage.transport.opens();
  await stage.transport.says({ type: 'pending', paths: ['a'] });
  s.disconnect();
  await settled();
  await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' });
  await happens('pagehide'); // the view is granting it
  await stage.clock.advance(Number(process.env['AWAY'] ?? 25_000));
  await happens('pageshow');
  await stage.transport.opens({ resumed: true, connection: 2 });
  await stage.transport.says(subscribed('a'));
  expect(stage.transport.sentOf('unsubscribe').map((f) => f.paths)).toEqual([['a']]);
});
