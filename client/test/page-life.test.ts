/** The life of a page: hidden, frozen, gone, restored; and what a wake-up may cost. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { at, Stage, settled, subscribed } from './support.js';

const listeners = new Map<string, Set<() => void>>();
const document = { visibilityState: 'visible', ...target() };

function target() {
  return {
    addEventListener: (name: string, run: () => void, { signal }: { signal: AbortSignal }) => {
      listeners.set(name, (listeners.get(name) ?? new Set()).add(run));
      signal.addEventListener('abort', () => listeners.get(name)?.delete(run));
    },
  };
}

const happens = async (name: string): Promise<void> => {
  for (const run of [...(listeners.get(name) ?? [])]) run();
  await settled();
};
const shows = (state: 'visible' | 'hidden'): Promise<void> => {
  document.visibilityState = state;
  return happens('visibilitychange');
};

beforeEach(() => {
  listeners.clear();
  document.visibilityState = 'visible';
  for (const [name, run] of Object.entries(target())) vi.stubGlobal(name, run);
  vi.stubGlobal('document', document);
});
afterEach(() => vi.unstubAllGlobals());

async function waiting(options = {}): Promise<Stage> {
  const stage = new Stage({ reconnect: { baseMs: 4_000, maxMs: 4_000 }, ...options });
  await stage.transport.opens();
  await stage.transport.ends();
  return stage;
}

describe('a wake-up', () => {
  it.each(['online', 'visibilitychange', 'resume'])('by %s cuts a wait short, once', async (name) => {
    const stage = await waiting();
    await happens(name);
    expect([stage.transports.length, stage.pomona.state]).toEqual([2, 'connecting']);
    await stage.transport.ends();
    await happens(name);
    expect([stage.transports.length, stage.pomona.state]).toEqual([2, 'waiting']);
  });

  it('of a link that flaps costs at most one try more for each wait', async () => {
    const stage = await waiting();
    for (let ms = 0; ms < 10_000; ms += 100) {
      if (stage.pomona.state === 'connecting') await stage.transport.ends();
      await happens(ms % 200 === 0 ? 'online' : 'visibilitychange');
      await stage.clock.advance(100);
    }
    // Waits of 2 s: five of them, and a free try for each.
    expect(stage.transports.length - 1).toBeLessThanOrEqual(2 * 6);
  });

  it('is none while the page is hidden', async () => {
    const stage = await waiting();
    await shows('hidden');
    await happens('online');
    await happens('resume');
    expect(stage.transports.length).toBe(1);
    await shows('visible');
    expect(stage.transports.length).toBe(2);
  });

  it('asks an open connection for a sign of life, and leaves one that gives none', async () => {
    const stage = new Stage({ openTimeoutMs: 3_000 });
    await stage.transport.opens();
    await happens('online');
    await happens('online');
    expect(stage.transport.sent).toEqual([{ type: 'probe', step: 1 }]);
    await stage.transport.says({ type: 'probed', step: 1 });
    await stage.clock.advance(3_000);
    expect(stage.pomona.state).toBe('open');
    await happens('online');
    await stage.clock.advance(3_000);
    expect([stage.pomona.state, stage.transports[0]?.closed]).toEqual(['waiting', 'silently']);
  });
});

describe('between pagehide and pageshow', () => {
  it('there is no try, no wake-up, no error and no timer, and the connection is let go in silence', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a', at(3)));
    await happens('pagehide');
    expect([stage.transport.closed, stage.pomona.state, stage.clock.pending]).toEqual([
      'silently',
      'waiting',
      0,
    ]);
    for (const name of ['online', 'visibilitychange', 'resume', 'pagehide']) await happens(name);
    await stage.clock.advance(100_000);
    expect([stage.transports.length, stage.told('error')]).toEqual([1, []]);
    await happens('pageshow');
    await stage.transport.opens({ resumed: true, connection: 2 });
    expect([stage.transport.open?.ticket, stage.transport.open?.paths]).toEqual([
      'ticket-1',
      [{ path: 'a', position: at(3) }],
    ]);
  });

  it('what the views were asked is let go, and asked again when the page is back', async () => {
    const stage = new Stage({ connectUrl: 'http://app.test/connect' });
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says({ type: 'pending', paths: ['a'] });
    await happens('pagehide');
    await stage.clock.advance(20_000);
    expect([stage.told('refused'), stage.told('error')]).toEqual([[], []]);
    await happens('pageshow');
    await stage.transport.opens({ resumed: true, connection: 2 });
    await stage.transport.says({ type: 'pending', paths: ['a'] });
    expect(stage.requests.length).toBe(2);
  });

  it('an attempt that was under way is given up: should it arrive, it does not end Pomona', async () => {
    const stage = await waiting();
    await stage.clock.advance(4_000);
    stage.transport.asks();
    await happens('pagehide');
    await happens('pageshow');
    stage.transport.asks();
    await stage.transport.says({ type: 'closing', code: 4200, message: 'taken over' });
    expect(stage.pomona.state).toBe('waiting');
  });

  it('close is still final', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await happens('pagehide');
    stage.pomona.close();
    await happens('pageshow');
    await stage.clock.advance(100_000);
    expect([stage.transports.length, stage.pomona.state]).toEqual([1, 'closed']);
  });
});

it('the first pageshow of a page changes nothing', async () => {
  const stage = new Stage();
  await happens('pageshow');
  await stage.transport.opens();
  expect([stage.transports.length, stage.pomona.state]).toEqual([1, 'open']);
});

it('after close nothing listens to the page any more', async () => {
  const stage = new Stage();
  stage.pomona.close();
  expect([...listeners.values()].every((runs) => runs.size === 0)).toBe(true);
});
