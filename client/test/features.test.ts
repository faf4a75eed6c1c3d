/** A toy feature: all that a feature can do, without a change in Pomona's core. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Core, Feature } from '../src/features.js';
import { MAX_FRAMES } from '../src/outstanding.js';
import { coreOf, Stage, settled } from './support.js';

/** A Pomona with a toy, which sends waves and takes those that come, and with what the toy was called with. */
class ToyStage extends Stage {
  /** Whether paths have to wait. */
  isWaiting = false;
  readonly #calls: unknown[] = [];
  readonly pomonaWithToy = this.pomona.extend('toy', (core) => this.#toy(core));

  /** Takes what the toy, and the page, were called with since. */
  calls(): unknown[] {
    return this.#calls.splice(0);
  }

  #toy(core: Core): Feature<{ wave(): void }> {
    const called = (...about: unknown[]): void => void this.#calls.push(about);
    this.pomona.on('state', (state) => called('state', state));
    let due = 0;
    return {
      frames: { waved: ({ times }: { times: number }) => called('waved', times) },
      methods: {
        wave: () => {
          due++;
          core.changed();
        },
      },
      opening: async () => ({ toy: 1 }),
      opened: ({ id, isNew }) => called('opened', id, isNew),
      flush: () => {
        try {
          for (; due > 0; due--) core.send({ type: 'wave' });
        } catch {
          // no room: there will be another flush
        }
      },
      naming: ({ path }) => (this.isWaiting ? null : { greeting: `hello ${path}` }),
      ended: ({ code }) => called('ended', code),
      wake: () => called('wake'),
      reopen: () => called('reopen'),
      closed: () => called('closed'),
    };
  }
}

let goesOnline = (): void => undefined;
const uncaught: unknown[] = [];

beforeEach(() => {
  uncaught.length = 0;
  vi.stubGlobal('addEventListener', (name: string, run: () => void) => {
    if (name === 'online') goesOnline = run;
  });
  vi.stubGlobal('queueMicrotask', async (run: () => void) => {
    await null;
    try {
      run();
    } catch (error) {
      uncaught.push(error);
    }
  });
});
afterEach(() => vi.unstubAllGlobals());

describe('a feature', () => {
  it('adds fields to the `open` frame, and to paths in each frame that names them', async () => {
    const stage = new ToyStage();
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    stage.pomona.connect('b', () => {});
    await settled();
    const [a, b] = ['a', 'b'].map((path) => ({ path, greeting: `hello ${path}` }));
    expect(stage.transport.open).toEqual({ type: 'open', protocol: 1, toy: 1, paths: [a] });
    expect(stage.transport.sent).toEqual([{ type: 'subscribe', n: 1, paths: [b] }]);
  });

  it('keeps paths waiting until it says that something has changed', async () => {
    const stage = new ToyStage();
    stage.isWaiting = true;
    stage.pomona.connect('a', () => {});
    await stage.transport.opens();
    stage.pomona.connect('b', () => {});
    await settled();
    expect([stage.transport.open?.paths, stage.transport.sent]).toEqual([undefined, []]);
    stage.isWaiting = false;
    coreOf(stage.pomona).changed();
    await settled();
    expect(stage.transport.sent).toMatchObject([{ paths: [{ path: 'a' }, { path: 'b' }] }]);
  });

  it('takes frames of a type that the core does not know', async () => {
    const stage = new ToyStage();
    await stage.transport.opens();
    stage.calls();
    await stage.transport.says({ type: 'waved', times: 2 }, { type: 'waving' });
    expect([stage.calls(), stage.told('error')]).toEqual([[['waved', 2]], []]);
  });

  it('adds methods, and sends frames of its own on an open connection, before paths are named', async () => {
    const stage = new ToyStage();
    stage.pomonaWithToy.wave();
    await stage.transport.opens();
    expect(stage.transport.sent).toEqual([{ type: 'wave', n: 1 }]);
    stage.pomona.connect('a', () => {});
    stage.pomonaWithToy.wave();
    await settled();
    expect(stage.transport.sent.map(({ type }) => type)).toEqual(['wave', 'wave', 'subscribe']);
  });

  it.each(['ping', 'answer'])('sends when there is room again by a %s', async (by) => {
    const stage = new ToyStage();
    await stage.transport.opens();
    const { send } = coreOf(stage.pomona);
    for (let i = 0; i < MAX_FRAMES; i++) send({ type: 'x' });
    stage.pomonaWithToy.wave();
    await settled();
    expect(stage.transport.sent.length).toBe(MAX_FRAMES);
    if (by === 'ping') await stage.transport.says({ type: 'ping', received: 1 });
    else stage.transport.context.accepted(1);
    await settled();
    expect(stage.transport.sent.at(-1)).toEqual({ type: 'wave', n: MAX_FRAMES + 1 });
  });

  it('hears of the life of the Pomona, and of its close before the page does', async () => {
    const stage = new ToyStage();
    stage.pomona.on('kicked', () => stage.pomona.reopen());
    await stage.transport.opens();
    goesOnline();
    await stage.transport.ends({ code: 1006 });
    await stage.clock.advance(1_000);
    await stage.transport.opens({ resumed: true });
    await stage.transport.ends({ code: 4201 });
    await stage.transport.opens({ id: 'two' });
    stage.pomona.close();
    expect(stage.calls()).toEqual([
      ['opened', 'one', true],
      ['state', 'open'],
      ['wake'],
      ['state', 'waiting'],
      ['ended', 1006],
      ['state', 'connecting'],
      ['opened', 'one', false],
      ['state', 'open'],
      ['closed'],
      ['state', 'closed'],
      ['ended', 4201],
      ['reopen'],
      ['state', 'connecting'],
      ['opened', 'two', true],
      ['state', 'open'],
      ['closed'],
      ['state', 'closed'],
    ]);
  });

  it('that throws stops neither the others nor Pomona', async () => {
    const stage = new Stage();
    const opened = vi.fn();
    stage.pomona.extend('broken', () => ({
      opened: () => {
        throw new Error('broken');
      },
    }));
    stage.pomona.extend('whole', () => ({ opened }));
    await stage.transport.opens();
    expect([stage.pomona.state, opened.mock.calls.length, uncaught]).toEqual(['open', 1, [Error('broken')]]);
  });

  it('is added once', () => {
    const { pomona } = new ToyStage();
    const make = vi.fn(() => ({}));
    expect([pomona.extend('toy', make), make.mock.calls]).toEqual([pomona, []]);
  });
});
