import { afterEach, describe, expect, it, vi } from 'vitest';
import { Stage, settled, subscribed } from './support.js';

afterEach(() => vi.unstubAllGlobals());

describe('coming back', () => {
  it('waits with full jitter from the first try on, in windows that double up to a cap', async () => {
    const stage = new Stage({ reconnect: { baseMs: 500, maxMs: 2_000 } });
    await stage.transport.opens();
    for (const waitMs of [250, 500, 1_000, 1_000]) {
      const count = stage.transports.length;
      await stage.transport.ends();
      expect(stage.pomona.state).toBe('waiting');
      await stage.clock.advance(waitMs - 1);
      expect(stage.transports.length).toBe(count);
      await stage.clock.advance(1);
      expect(stage.transports.length).toBe(count + 1);
    }
  });

  it('waits shortly again only after a connection that lasted', async () => {
    const stage = new Stage();
    for (const [lastedMs, waitMs] of [
      [0, 250],
      [0, 500],
      [10_000, 250],
    ] as const) {
      await stage.transport.opens();
      await stage.clock.advance(lastedMs);
      const count = stage.transports.length;
      await stage.transport.ends();
      await stage.clock.advance(waitMs - 1);
      expect(stage.transports.length).toBe(count);
      await stage.clock.advance(1);
      expect(stage.transports.length).toBe(count + 1);
    }
  });

  it('tries at once when the network is back', async () => {
    const listeners = new Map<string, () => void>();
    vi.stubGlobal('addEventListener', (name: string, run: () => void, { signal }: AbortController) => {
      listeners.set(name, run);
      signal.addEventListener('abort', () => listeners.delete(name));
    });
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.ends();
    listeners.get('online')?.();
    await settled();
    expect([stage.transports.length, stage.pomona.state, stage.clock.pending]).toEqual([2, 'connecting', 1]);
    stage.pomona.close();
    expect(listeners.size).toBe(0);
  });

  it('waits at least as long as the server asks, even when the page wakes up', async () => {
    let wake = (): void => {};
    const page = { addEventListener: (_name: string, run: () => void) => (wake = run) };
    vi.stubGlobal('document', page);
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.says({
      type: 'closing',
      code: 4000,
      message: 'restarting',
      reconnectAfterMs: 3_000,
    });
    await stage.clock.advance(2_999);
    wake();
    expect(stage.transports.length).toBe(1);
    await stage.clock.advance(1);
    expect(stage.transports.length).toBe(2);
  });

  it('keeps the ticket after 4000 to 4099 and after codes of others, and drops it after 4100 to 4199', async () => {
    for (const [code, ticket] of [
      [4000, 'ticket-1'],
      [4099, 'ticket-1'],
      [1006, 'ticket-1'],
      [4300, 'ticket-1'],
      [4100, undefined],
      [4199, undefined],
    ] as const) {
      const stage = new Stage();
      await stage.transport.opens();
      await stage.transport.ends({ code });
      await stage.clock.advance(500);
      stage.transport.asks();
      expect([code, stage.transport.open?.ticket]).toEqual([code, ticket]);
    }
  });

  it('does not come back after 4200 to 4299', async () => {
    for (const [code, name] of [
      [4200, 'taken_over'],
      [4201, 'dismissed'],
      [4203, 'ended'],
    ] as const) {
      const stage = new Stage();
      const subscription = stage.pomona.connect('a', () => {});
      await stage.transport.opens();
      await stage.transport.says({ type: 'closing', code, message: 'no more' });
      await stage.clock.advance(100_000);
      expect([stage.transports.length, stage.pomona.state, subscription.state]).toEqual([
        1,
        'closed',
        'ended',
      ]);
      const told = name === 'dismissed' ? stage.told('kicked') : stage.told('error');
      expect(told).toEqual([name === 'dismissed' ? { message: 'no more', isFinal: true } : name]);
      expect(() => stage.pomona.connect('b', () => {})).toThrow(/closed/);
    }
  });

  it('stops when Dobby refuses the opening itself, and says why', async () => {
    const stage = new Stage();
    await settled();
    stage.transport.asks();
    await stage.transport.ends({ error: 'bad_field', code: 4202 });
    expect([stage.pomona.state, stage.told('error')]).toEqual(['closed', ['bad_field']]);
  });

  it('comes back without a ticket that was refused as forged', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.ends();
    await stage.clock.advance(500);
    stage.transport.asks();
    await stage.transport.says({ type: 'error', code: 'bad_ticket', message: 'forged' });
    await stage.clock.advance(1_000);
    stage.transport.asks();
    expect(stage.transport.open?.ticket).toBeUndefined();
  });

  it('uses the newest ticket', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.says({ type: 'ticket', ticket: 'ticket-2' });
    await stage.transport.ends();
    await stage.clock.advance(500);
    stage.transport.asks();
    expect(stage.transport.open?.ticket).toBe('ticket-2');
  });
});

describe('liveness', () => {
  it('answers pings, and gives up after two intervals of silence', async () => {
    const stage = new Stage();
    await stage.transport.opens({ pingIntervalMs: 10_000 });
    await stage.clock.advance(19_999);
    await stage.transport.says({ type: 'ping', received: 0 });
    expect(stage.transport.sent).toEqual([{ type: 'pong' }]);
    await stage.clock.advance(19_999);
    expect(stage.pomona.state).toBe('open');
    await stage.clock.advance(1);
    expect([stage.pomona.state, stage.transports[0]?.closed]).toEqual(['waiting', 'silently']);
  });

  it('counts what is no frame as a sign of life', async () => {
    const stage = new Stage();
    await stage.transport.opens({ pingIntervalMs: 10_000 });
    await stage.clock.advance(15_000);
    stage.transport.context.heard();
    await stage.clock.advance(15_000);
    expect(stage.pomona.state).toBe('open');
  });

  it('gives up a transport on which no first frame comes', async () => {
    const stage = new Stage({ openTimeoutMs: 1_000 });
    await settled();
    stage.transport.asks();
    await stage.clock.advance(1_000);
    expect([stage.transports[0]?.closed, stage.told('error')]).toEqual(['silently', ['transport_failed']]);
  });
});

describe('falling back', () => {
  const names = ['best', 'good', 'last'];
  const opened = (stage: Stage) => stage.transports.map(({ name }) => name);

  it('goes to the next at once, remembers what works, and retries it before leaving it', async () => {
    const stage = new Stage({}, names);
    await stage.transport.ends();
    await stage.transport.opens();
    expect([opened(stage), stage.pomona.transport]).toEqual([['best', 'good'], 'good']);
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    expect(opened(stage)).toEqual(['best', 'good', 'good', 'good', 'good']);
    await stage.transport.ends();
    expect(opened(stage).at(-1)).toBe('last');
  });

  it('begins again with the first when the last has failed, waiting from then on', async () => {
    const stage = new Stage({}, names);
    for (let i = 0; i < 3; i++) await stage.transport.ends();
    expect([opened(stage), stage.pomona.state]).toEqual([names, 'waiting']);
    await stage.clock.advance(250);
    await stage.transport.ends();
    expect([opened(stage).at(-1), stage.pomona.state]).toEqual(['best', 'waiting']);
  });

  it('holds nothing against a transport over which Dobby answered', async () => {
    const stage = new Stage({}, names);
    await stage.transport.ends({ error: 'restarting', code: 4000 });
    await stage.clock.advance(250);
    expect(opened(stage)).toEqual(['best', 'best']);
  });

  it('tries the better ones beside the one in use, which goes on until the better has opened', async () => {
    const stage = new Stage({}, ['best', 'last']);
    await stage.transport.ends();
    const last = stage.transport;
    await last.opens({ pingIntervalMs: 1_000_000 });
    stage.pomona.connect('a', () => {});
    await settled();
    await stage.clock.advance(60_000);
    expect(opened(stage)).toEqual(['best', 'last', 'best']);
    await stage.transport.ends();
    expect([stage.pomona.state, stage.pomona.transport, last.closed]).toEqual(['open', 'last', null]);
    await stage.clock.advance(119_999);
    expect(opened(stage).length).toBe(3);
    await stage.clock.advance(1);
    stage.transport.asks();
    await last.says(subscribed('a'), { type: 'closing', code: 4200, message: 'taken over' });
    await stage.transport.opens({ resumed: true, connection: 2, received: 1 });
    expect([stage.pomona.state, stage.pomona.transport]).toEqual(['open', 'best']);
    expect(stage.told('state').at(-1)).toBe('open');
  });

  it('says at once when nothing can be used', () => {
    vi.stubGlobal('WebSocket', undefined); // Node has one since 22
    expect(() => new Stage({ transports: ['websocket'], WebSocket: undefined as never })).toThrow(
      /transport|used/i,
    );
  });
});

describe('an opening', () => {
  it('begins at the end of the tick, and not at all when Pomona is closed by then', async () => {
    const stage = new Stage();
    expect([stage.transport.context, stage.pomona.state]).toEqual([undefined, 'connecting']);
    stage.pomona.close();
    await settled();
    expect(stage.transport.context).toBeUndefined();
  });

  it('waits for the fields that features add to the `open` frame', async () => {
    const stage = new Stage();
    let give = (_field: string): void => {};
    const later = new Promise<string>((resolve) => (give = resolve));
    stage.pomona.extend('first', () => ({ opening: async () => ({ first: await later }) }));
    stage.pomona.extend('second', () => ({ opening: async () => ({ second: 2, third: undefined }) }));
    await stage.clock.advance(60_000);
    expect([stage.transport.context, stage.pomona.state]).toEqual([undefined, 'connecting']);
    give('one');
    await stage.transport.opens();
    expect(stage.transport.open).toEqual({ type: 'open', protocol: 1, first: 'one', second: 2 });
  });

  it('has failed when such a field fails: it waits and tries again, on the same transport', async () => {
    const stage = new Stage({}, ['best', 'last']);
    let fails = 2;
    const cause = new Error('no');
    stage.pomona.extend('field', () => ({
      opening: async () => {
        if (fails-- > 0)
          throw Object.assign(new Error('The field failed.', { cause }), { error: 'token_failed' });
        return { field: 1 };
      },
    }));
    const errors: unknown[] = [];
    stage.pomona.on('error', (error) => errors.push([error.message, error.cause]));
    await settled();
    expect([stage.transport.context, stage.pomona.state]).toEqual([undefined, 'waiting']);
    expect(errors).toEqual([['best: The field failed.', cause]]);
    await stage.clock.advance(250);
    expect(stage.told('error')).toEqual(['token_failed', 'token_failed']);
    await stage.clock.advance(499);
    expect(stage.transport.context).toBeUndefined();
    await stage.clock.advance(1);
    await stage.transport.opens();
    expect([stage.transport.name, stage.transport.open]).toMatchObject(['best', { field: 1 }]);
  });

  it('leaves room for such a field', async () => {
    const stage = new Stage();
    stage.pomona.extend('field', () => ({ opening: async () => ({ field: '€'.repeat(20_000) }) }));
    for (let i = 0; i < 1_500; i++) stage.pomona.connect(`${i}/${'x'.repeat(200)}`, () => {});
    await stage.transport.opens();
    const bytes = new TextEncoder().encode(stage.transport.context.firstFrame()).length;
    expect(bytes).toBeLessThanOrEqual(256 * 1024);
  });
});

describe('a connection that was lost', () => {
  it('is told with what the transport said of its end', async () => {
    const stage = new Stage();
    const causes: unknown[] = [];
    stage.pomona.on('error', ({ cause }) => causes.push(cause));
    await stage.transport.opens();
    await stage.transport.ends({ code: 1006 });
    expect(causes).toEqual([{ message: 'gone', code: 1006 }]);
  });
});

describe('close', () => {
  it('ends the session, sets no timer, and is final and idempotent', async () => {
    const stage = new Stage();
    const subscription = stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    stage.pomona.close();
    stage.pomona.close();
    await stage.transport.says(subscribed('b'));
    expect([stage.transport.closed, stage.clock.pending, subscription.state]).toEqual([
      'with farewell',
      0,
      'ended',
    ]);
    expect(stage.told('state')).toEqual(['open', 'closed']);
  });

  it('while waiting leaves nothing behind', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.ends();
    stage.pomona.close();
    expect(stage.clock.pending).toBe(0);
  });
});

describe('the address', () => {
  it('may be any of http, https, ws and wss', async () => {
    const stage = new Stage({ url: 'wss://x.test/comet#part' });
    await settled();
    expect(stage.transport.context).toMatchObject({
      httpUrl: 'https://x.test/comet',
      socketUrl: 'wss://x.test/comet',
    });
    for (const url of ['ftp://x.test/', 'http://', 'mailto:a@b'])
      expect(() => new Stage({ url })).toThrow(expect.objectContaining({ code: 'bad_url' }));
  });

  it.each([{}, { transports: ['websocket'] as const, WebSocket: undefined as never }])(
    'may be a path where a page is rendered on a server: nothing is opened, nothing throws',
    async (options) => {
      const stage = new Stage({ url: '/comet', ...options });
      const subscription = stage.pomona.connect('a', () => {});
      await stage.clock.advance(100_000);
      stage.pomona.reopen();
      await stage.clock.advance(100_000);
      expect([stage.pomona.state, subscription.state, stage.clock.pending]).toEqual([
        'connecting',
        'asking',
        0,
      ]);
      expect(stage.transport.context).toBeUndefined();
      stage.pomona.close();
      expect(stage.pomona.state).toBe('closed');
    },
  );
});
