import { describe, expect, it, vi } from 'vitest';
import { Emitter } from '../src/emitter.js';
import { Stage, settled, subscribed, update } from './support.js';

describe('a listener', () => {
  it('that another one removes during the same event is not called', () => {
    const emitter = new Emitter<{ a: number }>();
    const second = vi.fn();
    emitter.on('a', () => remove());
    const remove = emitter.on('a', second);
    emitter.emit('a', 1);
    expect(second).not.toHaveBeenCalled();
  });

  it('that is added during an event hears the next one', () => {
    const emitter = new Emitter<{ a: number }>();
    const late = vi.fn();
    emitter.on('a', () => emitter.on('a', late));
    emitter.emit('a', 1);
    expect(late).not.toHaveBeenCalled();
    emitter.emit('a', 2);
    expect(late.mock.calls).toEqual([[2]]);
  });
});

describe('after close', () => {
  it.each(['first', 'second'])(
    'no listener is called any more, though the %s one has called it',
    async (which) => {
      const stage = new Stage();
      const calls: string[] = [];
      for (const name of ['first', 'second'])
        stage.pomona.on('subscribed', () => {
          calls.push(name);
          if (name === which) stage.pomona.close();
        });
      stage.pomona.connect('a', () => {});
      await stage.transport.opens();
      await stage.transport.says(subscribed('a'));
      expect(calls).toEqual(which === 'first' ? ['first'] : ['first', 'second']);
      expect(stage.told('state').at(-1)).toBe('closed');
    },
  );

  it('no listener of a subscription is called, and none that is added later', async () => {
    const stage = new Stage();
    const heard: unknown[] = [];
    const subscription = stage.pomona.connect('a', () => {});
    subscription.on('state', (state) => heard.push(state));
    subscription.on('gap', (gap) => heard.push(gap));
    await stage.transport.opens();
    await stage.transport.says(subscribed('a'));
    stage.pomona.close();
    stage.pomona.on('error', (error) => heard.push(error));
    await stage.transport.says(update('a', 1), null);
    await settled();
    expect(heard).toEqual(['subscribed', 'ended']);
  });
});

it('connect goes by its own options, whatever stands on Object.prototype', () => {
  const { pomona } = new Stage();
  const own = { value: 1, enumerable: true, configurable: true, writable: true };
  Object.defineProperty(Object.prototype, 'polluted', own);
  try {
    pomona.connect('a', () => {}, {});
  } finally {
    delete (Object.prototype as Record<string, unknown>)['polluted'];
  }
});
