import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Handoff } from '../../src/handoff/format.js';
import { HandoffError } from '../../src/handoff/reader.js';
import { createWorld, handoffText, readText } from '../support/world.js';

/** What a server hands over that had a bit of everything. */
function sample(size = 10): Handoff {
  const world = createWorld();
  world.open({ paths: [{ path: 'public' }, { path: 'public-nolog' }, { path: 'other', state: 'changes' }] });
  world.sessions.connect('session-1', ['granted'], 'ada \u2028 é');
  world.publish('public', `é${'x'.repeat(size)}\n"`, { sender: 'somebody', except: ['session-2', '"'] });
  for (let i = 0; i < 5; i++) world.publish('public', i);
  world.publish('public-state', { '{"path":': 1 }, { key: '{"at":' });
  world.publish('public-state', 2, { key: ',"log":' });
  return {
    at: world.clock.now(),
    backBy: world.clock.now() + 5,
    paths: world.broker.handOver(),
    sessions: world.sessions.handOver(),
    requests: [{ key: 'update k', digest: 'd', at: 1, answer: { position: null } }],
  };
}

const plain = (handoff: Handoff): unknown => ({
  ...handoff,
  paths: handoff.paths.map(({ entries, ...path }) => ({
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

const HEADER = '{"dobby":"handoff","version":1,"at":1,"backBy":2}';

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

  it('that takes too long leaves out the oldest updates, and whole paths that have a state, but no head', () => {
    const handoff = sample();
    let looks = 0;
    // In time for the state and the first log, of which one update is written.
    const text = handoffText(handoff, () => ++looks > 0);
    const read = readText(text);
    expect(read.paths.map(({ path, entries }) => [path, entries.length])).toEqual(
      handoff.paths.filter(({ state }) => state.length === 0).map(({ path }) => [path, 0]),
    );
    expect(read.paths.map(({ head }) => head)).toEqual(
      handoff.paths.filter(({ state }) => state.length === 0).map(({ head }) => head),
    );
    expect(read.sessions).toEqual(handoff.sessions);
    expect(read.requests).toEqual(handoff.requests);
  });

  it('that was written in part has the newest updates, up to the head', () => {
    const world = createWorld();
    for (let i = 1; i <= 600; i++) world.publish('public', i);
    const handoff = { at: 1, backBy: 1, paths: world.broker.handOver(), sessions: [], requests: [] };
    let looks = 0;
    const read = readText(handoffText(handoff, () => ++looks > 2)).paths[0];
    expect(read?.entries.map(({ offset }) => offset)).toEqual(Array.from({ length: 512 }, (_, i) => 89 + i));
    expect(read?.entries.at(-1)?.text).toContain('"message":600');
  });
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
    ['another version', [HEADER.replace('"version":1', '"version":2')]],
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
      [HEADER, '{"log":"a"}', '{"at":1,"key":null,"sender":"","except":null}', '{"path":"a"}'],
    ],
    [
      'an update without a time',
      [
        HEADER,
        '{"head":{"epoch":"aaaaaaaa","offset":1},"path":"a","usedAt":1,"keys":0}',
        '{"log":"a"}',
        '{"path":"a"}',
      ],
    ],
    ['an unknown line', [HEADER, '{"session":{"id":"a"}}']],
  ])('is not read when it has %s', (_, lines) => {
    expect(() => readText(sealed(lines))).toThrow(HandoffError);
  });
});
