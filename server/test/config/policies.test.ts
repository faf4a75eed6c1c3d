import { describe, expect, it } from 'vitest';
import { type ConfigInput, completeConfig } from '../../src/config/config.js';
import { Policies } from '../../src/config/policies.js';

const policies = (input: ConfigInput) => new Policies(completeConfig(input));

describe('the policies', () => {
  it('open exactly the paths whose pattern is listed', () => {
    const { isPublic } = {
      isPublic: (path: string) => policies({ public: ['news', 'room/{id}', 'wiki/{page*}'] }).isPublic(path),
    };
    const open = ['news', 'room/7', 'wiki/a', 'wiki/a/b'];
    const closed = ['new', 'news/', 'room/', 'room/7/8', 'wiki/', 'wiki', '::connect', ''];
    expect(open.filter((path) => !isPublic(path))).toEqual([]);
    expect(closed.filter(isPublic)).toEqual([]);
  });

  it('open nothing by default, and the paths of the demonstration with it', () => {
    expect(policies({}).isPublic('demo/room')).toBe(false);
    expect(policies({ demo: true }).isPublic('demo/room')).toBe(true);
    expect(policies({ demo: true }).isPublic('other')).toBe(false);
  });

  it('never open what is reserved, though a pattern says everything', () => {
    expect(policies({ public: ['{all*}'] }).isPublic('anything')).toBe(true);
    expect(policies({ public: ['{all*}'] }).isPublic('::gone')).toBe(false);
  });

  it('give a path the log of the first pattern that matches, and else the default', () => {
    const some = policies({
      paths: [
        { pattern: 'cursor:{id}', log: false },
        { pattern: 'chat/{id}', log: { maxUpdates: 7 } },
        { pattern: '{all*}', log: { maxUpdates: 9 } },
      ],
    });
    expect(some.of('cursor:3')).toEqual({ log: null, state: null, slow: 'resume' });
    expect(some.of('chat/1').log?.maxUpdates).toBe(7);
    expect(some.of('chat/1/2').log?.maxUpdates).toBe(9);
    expect(policies({}).of('anything')).toEqual({
      log: { maxUpdates: 1_000, maxBytes: 1024 * 1024, maxAgeMs: 300_000 },
      state: { maxKeys: 10_000, maxBytes: 4 * 1024 * 1024 },
      slow: 'resume',
    });
  });

  it('give a path its state and what is done when it is slow', () => {
    const some = policies({
      paths: [
        { pattern: 'price/{id}', state: false, slow: 'latest' },
        { pattern: 'board', state: { maxKeys: 5 } },
      ],
    });
    expect(some.of('price/7')).toMatchObject({ state: null, slow: 'latest' });
    expect(some.of('board')).toMatchObject({
      state: { maxKeys: 5, maxBytes: 4 * 1024 * 1024 },
      slow: 'resume',
    });
  });

  it('refuse to skip on a path without a log', () => {
    expect(() => policies({ paths: [{ pattern: 'price', log: false, slow: 'latest' }] })).toThrow(
      'needs one',
    );
  });

  it('refuse a state on a path without a log, and know of the one that was not asked for', () => {
    const state = { maxKeys: 10 };
    expect(() => policies({ paths: [{ pattern: 'price', log: false, state }] })).toThrow(
      /paths\.0: .*state.*needs a log/,
    );
    expect(() => policies({ paths: [{ pattern: 'price', log: false, state: {} }] })).toThrow('needs a log');
    const complete = completeConfig({
      paths: [
        { pattern: 'price', log: false },
        { pattern: 'x', log: false, state: false },
      ],
    });
    for (const path of ['price', 'x']) expect(policies(complete).of(path).state).toBeNull();
  });
});
