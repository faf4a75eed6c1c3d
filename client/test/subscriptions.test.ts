import { describe, expect, it, vi } from 'vitest';
import { PomonaError } from '../src/index.js';
import { at, Stage, settled, subscribed, update } from './support.js';

const heard = () => {
  const messages: unknown[] = [];
  return { messages, handler: (message: unknown) => void messages.push(message) };
};

describe('asking', () => {
  it('sends everything that is wanted before the id is known in the open frame', async () => {
    const { pomona, transport } = new Stage();
    pomona.connect('a', () => {});
    pomona.connect('b', () => {}, { since: at(4) });
    await settled();
    await transport.opens();
    expect(transport.open).toEqual({
      type: 'open',
      protocol: 1,
      paths: [{ path: 'a' }, { path: 'b', position: at(4) }],
    });
    expect(transport.sent).toEqual([]);
  });

  it('sends the connects of one tick in one frame and asks once per path', async () => {
    const { pomona, transport } = new Stage();
    await transport.opens();
    pomona.connect('a', () => {});
    pomona.connect('a', () => {});
    pomona.connect('b', () => {});
    await settled();
    pomona.connect('b', () => {});
    await settled();
    expect(transport.sent).toEqual([{ type: 'subscribe', n: 1, paths: [{ path: 'a' }, { path: 'b' }] }]);
  });

  it('asks for the last updates where there is no position, and from the position later', async () => {
    const stage = new Stage();
    stage.pomona.connect<{ text: string }>('a', ({ text }) => text, { last: 20 });
    stage.pomona.connect('b', () => {}, { last: 20, since: at(4) });
    await stage.transport.opens();
    expect(stage.transport.open?.paths).toEqual([
      { path: 'a', last: 20 },
      { path: 'b', position: at(4) },
    ]);
    await stage.transport.says(subscribed('a', at(7)));
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    stage.transport.asks();
    expect(stage.transport.open?.paths?.[0]).toEqual({ path: 'a', position: at(7) });
    for (const last of [0, -1, 1.5, 1_001, '5' as never])
      expect(() => stage.pomona.connect('c', () => {}, { last })).toThrow(
        expect.objectContaining({ code: 'bad_field' }),
      );
  });

  it('divides what does not fit into one frame, and into the open frame', async () => {
    const { pomona, transport } = new Stage();
    for (let i = 0; i < 1000; i++) pomona.connect(`${i}-${'x'.repeat(240)}`, () => {}, { since: at(1) });
    await transport.opens();
    const inOpen = transport.open?.paths?.length ?? 0;
    expect(JSON.stringify(transport.open).length).toBeLessThanOrEqual(256 * 1024);
    expect(inOpen).toBeGreaterThan(500);
    const later = transport.sentOf('subscribe');
    for (const frame of later) expect(JSON.stringify(frame).length).toBeLessThanOrEqual(64 * 1024);
    expect(inOpen + later.flatMap(({ paths }) => paths).length).toBe(1000);
  });

  it('throws a coded error for a bad path, at once', () => {
    const { pomona } = new Stage();
    const codeOf = (path: unknown) => {
      try {
        pomona.connect(path as string, () => {});
      } catch (error) {
        return (error as PomonaError).code;
      }
      return 'nothing';
    };
    expect(['', 'a*', 'x'.repeat(256), 7, '::connect'].map(codeOf)).toEqual([
      'bad_path',
      'bad_path',
      'bad_path',
      'bad_path',
      'reserved_path',
    ]);
    expect(() => pomona.connect('a', () => {}, { since: { epoch: 1 } as never })).toThrow(PomonaError);
    expect(() => pomona.connect('a', () => {}, { until: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'unknown_field' }),
    );
  });

  it('says nothing when a path goes and comes back within a tick', async () => {
    const { pomona, transport } = new Stage();
    pomona.connect('a', () => {});
    await transport.opens();
    await transport.says(subscribed('a'));
    pomona.disconnect('a');
    const { messages, handler } = heard();
    const subscription = pomona.connect('a', handler);
    expect(subscription.state).toBe('subscribed');
    await settled();
    await transport.says(update('a', 1));
    expect([transport.sent, messages]).toEqual([[], [1]]);
  });
});

describe('handlers', () => {
  it('run in their order, the identical one once', async () => {
    const { pomona, transport } = new Stage();
    const calls: string[] = [];
    const first = () => void calls.push('first');
    const subscription = pomona.connect('a', first);
    pomona.connect('a', () => void calls.push('second'));
    expect(pomona.connect('a', first)).toBe(subscription);
    await transport.opens();
    await transport.says(subscribed('a'), update('a', 1));
    expect(calls).toEqual(['first', 'second']);
  });

  it('get the message, the path, the key and the position', async () => {
    const { pomona, transport } = new Stage();
    const handler = vi.fn();
    pomona.connect('a', handler);
    await transport.opens();
    await transport.says(subscribed('a'), update('a', 1), { path: 'a', key: 'k', message: null });
    expect(handler.mock.calls).toEqual([
      [1, { path: 'a', key: null, position: at(1) }],
      [null, { path: 'a', key: 'k', position: null }],
    ]);
  });

  it('that throw are told as an error, stop nobody, and count as processed', async () => {
    const stage = new Stage();
    const { messages, handler } = heard();
    const subscription = stage.pomona.connect('a', () => {
      throw new Error('mine');
    });
    stage.pomona.connect('a', handler);
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), update('a', 1));
    expect([stage.told('error'), messages, subscription.position]).toEqual([['handler_failed'], [1], at(1)]);
  });

  it('see the position advance only after all of them have run', async () => {
    const { pomona, transport } = new Stage();
    const seen: unknown[] = [];
    const first = pomona.connect('a', () => void seen.push(first.position));
    const second = pomona.connect('a', () => void seen.push(second.position));
    await transport.opens();
    await transport.says(subscribed('a'), update('a', 1));
    expect([seen, first.position]).toEqual([[at(0), at(0)], at(1)]);
  });

  it('that are taken away by one before them are not called', async () => {
    const { pomona, transport } = new Stage();
    const { messages, handler } = heard();
    pomona.connect('a', () => pomona.disconnect('a', handler));
    pomona.connect('a', handler);
    await transport.opens();
    await transport.says(subscribed('a'), update('a', 1));
    expect(messages).toEqual([]);
  });

  it('hear nothing more once close was called by one of them', async () => {
    const { pomona, transport } = new Stage();
    const { messages, handler } = heard();
    pomona.connect('a', () => pomona.close());
    pomona.connect('a', handler);
    await transport.opens();
    await transport.says(subscribed('a'), update('a', 1), update('a', 2));
    expect(messages).toEqual([]);
  });
});

describe('the promise', () => {
  it('drops what was processed already, and only that', async () => {
    const { pomona, transport } = new Stage();
    const { messages, handler } = heard();
    pomona.connect('a', handler);
    await transport.opens();
    await transport.says(
      subscribed('a', at(5)),
      update('a', 5),
      update('a', 6),
      update('a', 6),
      update('a', 9),
    );
    await transport.says(update('a', 1, 'bbbbbbbb'));
    expect(messages).toEqual([6, 9, 1]);
  });

  it('continues from the end of a gap, which is told first', async () => {
    const stage = new Stage();
    const { messages, handler } = heard();
    const subscription = stage.pomona.connect('a', handler);
    const gap = { path: 'a', from: at(5), to: at(9), reason: 'evicted' };
    subscription.on('gap', (event) => messages.push(event));
    await stage.transport.opens();
    await stage.transport.says(
      subscribed('a', at(5)),
      { type: 'gap', ...gap },
      update('a', 9),
      update('a', 10),
    );
    expect([messages, stage.told('gap'), subscription.position]).toEqual([[gap, 10], [gap], at(10)]);
  });

  it('tells a loss when subscribed already shows it, even if the gap frame never comes, and only once', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a', at(5)));
    await stage.transport.ends();
    await stage.clock.advance(1000);
    await stage.transport.opens({ id: 'two' });
    const to = at(0, 'bbbbbbbb');
    await stage.transport.says(subscribed('a', to));
    const gap = { path: 'a', from: at(5), to, reason: 'restarted' };
    expect(stage.told('gap')).toEqual([gap]);
    await stage.transport.says({ type: 'gap', ...gap }, update('a', 1, 'bbbbbbbb'));
    expect(stage.told('gap')).toEqual([gap]);
  });

  it('tells no loss when a path that is heard is answered again, further on: the rest was for others', async () => {
    const stage = new Stage();
    const { messages, handler } = heard();
    const subscription = stage.pomona.connect('a', handler);
    await stage.transport.opens();
    await stage.transport.says(
      subscribed('a', at(5)),
      update('a', 6),
      subscribed('a', at(9)),
      update('a', 10),
    );
    expect([stage.told('gap'), messages, subscription.position]).toEqual([[], [6, 10], at(10)]);
  });

  it('tells the loss when the back end connected a path anew before it was asked for again', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a', at(5)));
    stage.pomona.disconnect('a');
    await settled();
    stage.pomona.connect('a', () => {});
    await stage.transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' }, subscribed('a', at(9)));
    expect(stage.told('gap')).toEqual([{ path: 'a', from: at(5), to: at(9), reason: 'evicted' }]);
    const from = { path: 'a', position: at(5) };
    expect(stage.told('subscribed'), 'where the client is, from where the gap begins').toEqual([from, from]);
  });

  it('tells every gap of a path without a log', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    const gap = { type: 'gap', path: 'a', from: null, to: null, reason: 'no_log' };
    await stage.transport.says(subscribed('a', null), gap, gap);
    expect(stage.told('gap').length).toBe(2);
    await stage.transport.ends();
    await stage.clock.advance(1000);
    stage.transport.asks();
    expect(stage.transport.open?.paths).toEqual([{ path: 'a', position: null }]);
  });

  it('names the processed positions when it resumes, and hears nothing of the older connection', async () => {
    const stage = new Stage();
    const { messages, handler } = heard();
    stage.pomona.connect('a', handler);
    const older = stage.transport;
    await older.opens();
    await older.says(subscribed('a'), update('a', 1), update('a', 3));
    await older.ends();
    await stage.clock.advance(1000);
    await older.says(update('a', 4));
    await stage.transport.opens({ resumed: true, connection: 2 });
    expect(stage.transport.open).toEqual({
      type: 'open',
      protocol: 1,
      ticket: 'ticket-1',
      paths: [{ path: 'a', position: at(3) }],
    });
    await stage.transport.says(subscribed('a', at(3)), update('a', 4));
    await older.says(update('a', 5));
    expect([messages, stage.told('gap'), stage.told('subscribed').length]).toEqual([[1, 3, 4], [], 1]);
  });
});

describe('ending', () => {
  it('unsubscribes when the last handler goes, and hears nothing of what was before', async () => {
    const { pomona, transport } = new Stage();
    const { messages, handler } = heard();
    const subscription = pomona.connect('a', handler);
    await transport.opens();
    await transport.says(subscribed('a'));
    subscription.disconnect();
    subscription.unsubscribe();
    await settled();
    expect([transport.sent, subscription.state]).toEqual([
      [{ type: 'unsubscribe', n: 1, paths: ['a'] }],
      'ended',
    ]);
    const again = pomona.connect('a', handler);
    await settled();
    await transport.says(update('a', 1), subscribed('a'), update('a', 2));
    expect([messages, again.state]).toEqual([[], 'asking']);
    await transport.says({ type: 'unsubscribed', paths: ['a'], by: 'client' }, subscribed('a', at(2)));
    await transport.says(update('a', 3));
    expect([messages, again.state]).toEqual([[3], 'subscribed']);
  });

  it('is told again to a session that may not have heard it', async () => {
    const stage = new Stage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    stage.pomona.disconnect('a');
    await settled();
    await stage.transport.ends();
    await stage.clock.advance(1000);
    await stage.transport.opens({ resumed: true, connection: 2, received: 0 });
    expect(stage.transport.open?.paths).toBeUndefined();
    expect(stage.transport.sent).toEqual([{ type: 'unsubscribe', n: 1, paths: ['a'] }]);
  });

  it('by the expiry of a token is told as the end that it is', async () => {
    const stage = new Stage();
    const subscription = stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), { type: 'unsubscribed', paths: ['a'], by: 'expiry' });
    expect([subscription.state, stage.told('unsubscribed'), stage.transport.sent]).toEqual([
      'ended',
      [{ path: 'a', by: 'expiry' }],
      [],
    ]);
  });

  it('by the back end is told, and what the back end connects again is heard again', async () => {
    const stage = new Stage();
    const { messages, handler } = heard();
    const subscription = stage.pomona.connect('a', handler);
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'), { type: 'unsubscribed', paths: ['a'], by: 'back_end' });
    expect([stage.told('unsubscribed'), subscription.state]).toEqual([
      [{ path: 'a', by: 'back_end' }],
      'ended',
    ]);
    await stage.transport.says(update('a', 1), subscribed('a', at(1)), update('a', 2));
    expect([messages, stage.told('gap'), subscription.state]).toEqual([[2], [], 'subscribed']);
  });
});

describe('paths that the back end connects unasked', () => {
  it('are told, their updates go to the update event, and they are named on resume', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.says(subscribed('gift', at(2)), update('gift', 3));
    expect(stage.told('update')).toEqual([{ path: 'gift', key: null, position: at(3), message: 3 }]);
    await stage.transport.ends();
    await stage.clock.advance(1000);
    stage.transport.asks();
    expect(stage.transport.open?.paths).toEqual([{ path: 'gift', position: at(3) }]);
    expect(stage.pomona.connect('gift', () => {}).state).toBe('subscribed');
  });
});

describe('ready', () => {
  it('resolves when subscribed and rejects with the code of the refusal', async () => {
    const { pomona, transport } = new Stage();
    const good = pomona.connect('good', () => {});
    const bad = pomona.connect('bad', () => {});
    const left = pomona.connect('left', () => {});
    void left.ready; // nobody awaits it: no unhandled rejection may come of it
    const outcome = Promise.allSettled([good.ready, bad.ready]);
    await transport.opens();
    const refused = { path: 'bad', code: 'not_granted', message: 'no' };
    await transport.says(subscribed('good', at(1)), { type: 'refused', paths: [refused] });
    left.disconnect();
    const [first, second] = await outcome;
    expect(first).toEqual({ status: 'fulfilled', value: { path: 'good', position: at(1) } });
    expect((second as PromiseRejectedResult).reason).toMatchObject({ code: 'not_granted', path: 'bad' });
  });
});
