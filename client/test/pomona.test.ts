import { describe, expect, it } from 'vitest';
import { MAX_FRAMES } from '../src/outstanding.js';
import { coreOf, Stage, settled, subscribed } from './support.js';

describe('the upstream', () => {
  it('goes on after what was received when the session is resumed, and sends nothing again by itself', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    const { send } = coreOf(stage.pomona);
    expect([send({ type: 'x', v: 1 }), send({ type: 'x', v: 2 }), send({ type: 'x', v: 3 })]).toEqual([
      1, 2, 3,
    ]);
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, received: 2 });
    expect(stage.transport.sent).toEqual([]);
    expect(send({ type: 'x', v: 4 })).toBe(3);
  });

  it('numbers from one again in a new session, without what the open frame has said', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    const { send } = coreOf(stage.pomona);
    stage.pomona.connect('a', () => {});
    await settled();
    await stage.transport.ends({ code: 4100 });
    await stage.clock.advance(1_000);
    await stage.transport.opens({ id: 'two' });
    expect(stage.transport.open?.paths).toEqual([{ path: 'a' }]);
    expect(stage.transport.sent).toEqual([]);
    expect(send({ type: 'x' })).toBe(1);
  });

  it('is open to features in their hook `opened`, before anything else is sent', async () => {
    const stage = new Stage();
    stage.pomona.extend('x', (core) => ({
      opened: ({ id }) => void core.send({ type: 'x', id, known: stage.pomona.id }),
    }));
    // More than an `open` frame holds, so that the rest is subscribed to.
    for (let i = 0; i < 1_500; i++) stage.pomona.connect(`${i}/${'x'.repeat(200)}`, () => {});
    await stage.transport.opens();
    expect(stage.transport.sent[0]).toEqual({ type: 'x', id: 'one', known: 'one', n: 1 });
    expect(stage.transport.sent[1]?.type).toBe('subscribe');
  });

  it('has room again when a feature says what was received', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    const { send, accepted } = coreOf(stage.pomona);
    for (let i = 0; i < MAX_FRAMES; i++) send({ type: 'x' });
    stage.pomona.connect('a', () => {});
    accepted(1);
    await settled();
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });

  it('gives the number of a frame that took no effect to the next', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    stage.pomona.connect('a', () => {});
    await settled();
    await stage.transport.ends();
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true, received: 0 });
    stage.pomona.connect('b', () => {});
    await settled();
    expect(stage.transport.sent).toEqual([{ type: 'subscribe', n: 1, paths: [{ path: 'b' }] }]);
  });

  it('is bounded: beyond the bound features get an error, and subscribing waits for room', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    const { send } = coreOf(stage.pomona);
    for (let i = 0; i < MAX_FRAMES; i++) send({ type: 'x' });
    expect(() => send({ type: 'x' })).toThrow(expect.objectContaining({ code: 'outstanding_full' }));
    stage.pomona.connect('a', () => {});
    await settled();
    expect(stage.transport.sentOf('subscribe')).toEqual([]);
    stage.transport.context.accepted(10);
    await settled();
    expect(stage.transport.sentOf('subscribe').length).toBe(1);
  });

  it('refuses the paths of a subscribe that the server refused', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    stage.pomona.connect('a', () => {});
    await settled();
    await stage.transport.says({ type: 'error', code: 'bad_field', message: 'no', n: 1 });
    expect(stage.told('error')).toEqual(['bad_field']);
    expect(stage.told('refused')).toEqual([
      { path: 'a', code: 'bad_field', message: 'no', retryable: false },
    ]);
  });

  it('comes back with the ticket when a number was lost', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    await stage.transport.says({ type: 'error', code: 'bad_sequence', message: 'no', n: 2 });
    await stage.clock.advance(1_000);
    stage.transport.asks();
    expect([stage.transports.length, stage.transport.open?.ticket]).toEqual([2, 'ticket-1']);
  });
});

describe('frames', () => {
  it('of unknown types are ignored, or go to whoever registered them', async () => {
    const stage = new Stage();
    const taken: unknown[] = [];
    stage.pomona.extend('x', () => ({ frames: { reply: (frame) => void taken.push(frame) } }));
    await stage.transport.opens({ news: 1 });
    await stage.transport.says({ type: 'reply', uid: 'u' }, { type: 'other' }, { type: '__proto__' });
    expect([taken, stage.told('error')]).toEqual([[{ type: 'reply', uid: 'u' }], []]);
  });

  it('go to the newest who registered them, and on to the others as far as they are handed on', async () => {
    const stage = new Stage();
    const taken: unknown[] = [];
    stage.pomona.extend('first', () => ({
      frames: { renewed: ({ expiresInMs }) => void taken.push(['first', expiresInMs]) },
    }));
    stage.pomona.extend('second', () => ({
      frames: {
        renewed: (frame, handOn) => {
          taken.push(['second', frame.expiresInMs]);
          if (frame.expiresInMs > 1) handOn({ ...frame, expiresInMs: -frame.expiresInMs });
        },
        probed: (frame, handOn) => handOn(frame),
      },
    }));
    await stage.transport.opens();
    const renewed = (expiresInMs: number) => ({ type: 'renewed', expiresInMs });
    await stage.transport.says(renewed(1), renewed(2), { type: 'probed', step: 1 });
    expect(taken).toEqual([
      ['second', 1],
      ['second', 2],
      ['first', -2],
    ]);
  });

  it('that are broken are told as errors and disturb nothing', async () => {
    const stage = new Stage();
    await stage.transport.opens();
    const keyed = { path: 'a', key: 7, message: 1 };
    await stage.transport.says(
      null,
      7,
      [],
      { type: 'ping' },
      { type: null },
      { path: 'a' },
      keyed,
      subscribed('b'),
    );
    expect(stage.told('error')).toEqual(Array(7).fill('bad_answer'));
    expect(stage.pomona.state).toBe('open');
  });
});

describe('listeners', () => {
  it('can be removed', async () => {
    const stage = new Stage();
    const states: string[] = [];
    const off = stage.pomona.on('state', (state) => states.push(state));
    await stage.transport.opens();
    off();
    stage.pomona.close();
    expect(states).toEqual(['open']);
  });
});
