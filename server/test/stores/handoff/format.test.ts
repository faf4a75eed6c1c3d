import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Handoff, HandoffError } from '../../../src/stores/handoff/format.js';
import type { ReadHandoff } from '../../../src/stores/handoff/reader.js';
import { HandoffWriter } from '../../../src/stores/handoff/writer.js';
import { createWorld, handoffText, readText } from '../../support/world.js';

/** What a server hands over that had a bit of everything. */
function sample(size = 10): ReadHandoff {
  const world = createWorld();
  world.open({ paths: [{ path: 'public' }, { path: 'public-nolog' }, { path: 'other', state: 'changes' }] });
  world.connect('session-1', ['granted'], 'ada \u2028 é');
  world.publish('public', `é${'x'.repeat(size)}\n"`, { sender: 'somebody', except: ['session-2', '"'] });
  for (let i = 0; i < 5; i++) world.publish('public', i);
  world.publish('public-state', { '{"path":': 1 }, { key: '{"at":' });
  world.publish('public-state', 2, { key: ',"log":' });
  return {
    at: world.clock.now(),
    backBy: world.clock.now() + 5,
    paths: [...world.broker.snapshots()],
    sessions: [...world.sessions.snapshots()],
    requests: [{ owner: '', key: 'update k', path: 'public', digest: 'd', at: 1, position: null }],
  };
}

/** Those that have a log come last in what was read. */
const plain = (handoff: ReadHandoff): unknown => ({
  ...handoff,
  paths: [...handoff.paths]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ entries, ...path }) => ({
      ...path,
      entries: entries.map(({ offset, key, text, sender, except, at, bytes }) => ({
        ...{ offset, key, text, sender, at, bytes },
        except: except === null ? null : [...except],
      })),
    })),
});

/** A text with these lines and a trailer that fits. */
function sealed(lines: readonly string[]): Buffer {
  const text = Buffer.from(`${lines.join('\n')}\n`);
  return Buffer.concat([text, Buffer.from(`{"lines":${lines.length},"crc32":${crc32(text)}}\n`)]);
}

const HEADER = '{"dobby":"handoff","version":7,"at":1,"backBy":2}';

describe('a handoff', () => {
  it.each([10, 1024 * 1024, 3 * 1024 * 1024])(
    'is read as it was written, with a message of %i characters',
    (size) => {
      const handoff = sample(size);
      expect(plain(readText(handoffText(handoff)))).toEqual(plain(handoff));
    },
  );

  it('of nothing is one too', () => {
    const nothing = { at: 1, backBy: 1, paths: [], sessions: [], requests: [] };
    expect(readText(handoffText(nothing))).toEqual(nothing);
  });

  it('that takes too long leaves out what is worth least, and says how much that is', () => {
    const world = createWorld();
    for (const path of ['nothing', 'more', 'state']) world.publish(path, path);
    world.publish('state', 1, { key: 'a' });
    world.open({ paths: [{ path: 'public-1' }, { path: 'public-2' }] });
    world.open({ paths: [{ path: 'public-1' }] });
    const handoff = (): Handoff => ({
      ...{ at: 1, backBy: 1, paths: world.broker.snapshots(), sessions: world.sessions.snapshots() },
      requests: [{ owner: '', key: 'update k', path: 'public', digest: 'd', at: 1, position: null }],
    });
    const kept = (looks: number) => {
      let left = looks;
      const { paths, requests, sessions } = readText(handoffText(handoff(), () => left--));
      const named = paths.map(({ path, state, entries }) => `${path} ${state.length} ${entries.length}`);
      return [named, requests.length, sessions.map(({ id }) => id)];
    };
    expect(kept(0)).toEqual([[], 0, []]);
    expect(kept(1), 'the state').toEqual([['state 1 0'], 0, []]);
    expect(kept(3), 'the heads').toEqual([['state 1 0', 'more 0 0', 'nothing 0 0'], 0, []]);
    expect(kept(4)[1], 'the requests').toBe(1);
    expect(kept(100)).toEqual([['state 1 2', 'more 0 1', 'nothing 0 1'], 1, ['session-2', 'session-1']]);
    const writer = new HandoffWriter(handoff(), () => 0);
    for (const _ of writer.chunks());
    expect(writer.leftOut).toEqual({ paths: 3, requests: 1, sessions: 2, updates: 4 });
  });

  it('has logs too when there are so many sessions that there is no time for all', () => {
    const world = createWorld();
    world.publish('public', 1);
    for (let i = 0; i < 100; i++) world.open({ paths: [{ path: 'public' }] });
    const handoff = {
      at: 1,
      backBy: 1,
      paths: world.broker.snapshots(),
      sessions: world.sessions.snapshots(),
    };
    let left = 50;
    const read = readText(handoffText({ ...handoff, requests: [] }, () => left--));
    expect(read.paths[0]?.entries).toHaveLength(1);
    expect(read.sessions.length).toBeGreaterThan(20);
    expect(read.sessions.length).toBeLessThan(50);
  });

  it('gathers nothing that there is no time to write', () => {
    const gather = () => {
      throw new Error('it was gathered');
    };
    const session = Object.defineProperty({}, 'subscriptions', { enumerable: true, get: gather });
    const sessions = [session] as unknown as Handoff['sessions'];
    const handoff = { at: 1, backBy: 1, paths: [], requests: [], sessions };
    expect(readText(handoffText(handoff, () => 0)).sessions).toEqual([]);
  });

  it('that was written in part has the newest updates, up to the head', () => {
    const world = createWorld();
    for (let i = 1; i <= 600; i++) world.publish('public', i);
    const handoff = { at: 1, backBy: 1, paths: world.broker.snapshots(), sessions: [], requests: [] };
    let looks = 0;
    const read = readText(handoffText(handoff, () => (++looks > 5 ? 0 : 1))).paths[0];
    expect(read?.entries.map(({ offset }) => offset)).toEqual(Array.from({ length: 512 }, (_, i) => 89 + i));
    expect(read?.entries.at(-1)?.text).toBe('600');
  });
});

const head = (more: object): string =>
  JSON.stringify({ head: { epoch: 'aaaaaaaa', offset: 1 }, path: 'a', usedAt: 1, keys: 0, ...more });
const session = (more: object): string => {
  const times = { openedAt: 1, lastContactAt: 1, lastCommandAt: null, ticketAt: 1, connection: 1 };
  const known = { attempt: 0, received: 0, isForgotten: false, state: { values: {}, version: 0 } };
  const paths = { granted: [], denied: [], login: null, identity: null, subscriptions: [] };
  return JSON.stringify({ session: { id: 'a', user: null, ...times, ...known, ...paths, ...more } });
};
const subscription = (more: object): string => {
  const plain = { path: 'a', start: null, isUnused: false, cursor: 0, followsState: false };
  return session({ subscriptions: [{ ...plain, ...more }] });
};

/** Lines that no server wrote. */
const FORGED: [string, string][] = [
  ['a path of the server’s own', head({ path: '::gone' })],
  ['a path that is none', head({ path: 'a*' })],
  ['an epoch that is none', head({ head: { epoch: 'aaaa"aaa', offset: 1 } })],
  ['a session whose id is none', session({ id: 'a->b' })],
  ['a grant that is no path', session({ granted: ['::connect'] })],
  ['a denial that is no path', session({ denied: [{ path: '', at: 1 }] })],
  ['a subscription to no path', subscription({ path: '{a}' })],
  ['a subscription in no epoch', subscription({ start: { epoch: 'A', offset: 0 } })],
  ['a key that is none', `${head({ keys: 1 })}\n{"key":"\\u0000","offset":1}\n1`],
  ['a key from later on', `${head({ keys: 1 })}\n{"key":"a","offset":2}\n1`],
  ['a log without a head', '{"log":"a"}'],
];

it('lines that differ from the forged ones in nothing else can be read', () => {
  const lines = [head({ keys: 1 }), '{"key":"a","offset":1}', '1', session({}), subscription({})];
  expect(readText(sealed([HEADER, ...lines, '{"log":"a"}'])).sessions).toHaveLength(2);
});

describe('a text that is no whole handoff', () => {
  const text = handoffText(sample());

  it('is not read when it is cut anywhere', () => {
    for (let size = 0; size < text.length; size++) {
      expect(() => readText(text.subarray(0, size)), `cut at ${size}`).toThrow(HandoffError);
    }
  });

  it('is not read when a line is missing', () => {
    const lines = text.toString().split('\n').slice(0, -1);
    for (const index of lines.keys()) {
      const rest = lines.filter((_, i) => i !== index);
      expect(() => readText(Buffer.from(`${rest.join('\n')}\n`)), `without line ${index}`).toThrow(
        HandoffError,
      );
    }
  });

  it('is not read when a byte was altered', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = Buffer.from(text);
        altered[at] = (altered[at] as number) ^ change;
        expect(() => readText(altered)).toThrow(HandoffError);
      }),
    );
  });

  it('is not read when it goes on after its end', () => {
    expect(() => readText(Buffer.concat([text, Buffer.from('\n')]))).toThrow(HandoffError);
    expect(() => readText(Buffer.concat([text, text]))).toThrow(HandoffError);
  });

  it('may be read when it is sealed anew', () => {
    const lines = text.toString().split('\n').slice(0, -2);
    expect(plain(readText(sealed(lines)))).toEqual(plain(sample()));
  });

  it.each([
    ['nothing at all', []],
    ['no header', ['{"log":"a"}']],
    ['another version', [HEADER.replace('"version":7', '"version":1')]],
    ['something else', ['{"type":"open"}']],
    ['no JSON', [HEADER, 'x']],
    [
      'a huge number',
      [HEADER, '{"head":{"epoch":"aaaaaaaa","offset":1e400},"path":"a","usedAt":1,"keys":0}'],
    ],
    [
      'an offset that is none',
      [HEADER, '{"head":{"epoch":"aaaaaaaa","offset":9007199254740993},"path":"a","usedAt":1,"keys":0}'],
    ],
    [
      'a state that is cut',
      [HEADER, '{"head":{"epoch":"aaaaaaaa","offset":1},"path":"a","usedAt":1,"keys":1}'],
    ],
    [
      'an update of no path',
      [HEADER, '{"log":"a"}', '{"at":1,"key":null,"sender":"","except":null}', '{"update":1}'],
    ],
    [
      'an update without a time',
      [
        HEADER,
        '{"head":{"epoch":"aaaaaaaa","offset":1},"path":"a","usedAt":1,"keys":0}',
        '{"log":"a"}',
        '{"update":1}',
      ],
    ],
    ...FORGED.map(([name, line]): [string, string[]] => [name, [HEADER, ...line.split('\n')]]),
    ['an unknown line', [HEADER, '{"session":{"id":"a"}}']],
  ])('is not read when it has %s', (_, lines) => {
    expect(() => readText(sealed(lines))).toThrow(HandoffError);
  });
});
