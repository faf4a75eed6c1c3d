import { describe, expect, it } from 'vitest';
import { Batch } from '../../../src/core/wire/batch.js';
import type { Encoding } from '../../../src/core/wire/encoding.js';
import { Frame } from '../../../src/core/wire/frame.js';
import { frameOf, LINES } from '../../support/fake-carrier.js';

const frames = (...texts: string[]) => texts.map((text) => frameOf(text));
const follow = (batch: Batch, list: Frame[]) => list.reduce((at, frame) => at.plus(frame), batch);

describe('a batch', () => {
  it('is the same object for all connections that await the same frames in the same order', () => {
    const empty = new Batch(LINES);
    const list = frames('a', 'b', 'c');
    expect(follow(empty, list)).toBe(follow(empty, list));
  });

  it('shares its joined bytes between them', () => {
    const empty = new Batch(LINES);
    const list = frames('a', 'b');
    const bytes = follow(empty, list).joined([]);
    expect(bytes.toString()).toBe('a\nb\n');
    expect(follow(empty, list).joined([])).toBe(bytes);
  });

  it('is another one for another order, and neither disturbs the other', () => {
    const empty = new Batch(LINES);
    const [a, b] = frames('a', 'b') as [Frame, Frame];
    const ab = empty.plus(a).plus(b);
    const ba = empty.plus(b).plus(a);
    expect(ab.joined([]).toString()).toBe('a\nb\n');
    expect(ba.joined([]).toString()).toBe('b\na\n');
  });

  it('joins right when a shorter sequence was joined before', () => {
    const a = new Batch(LINES).plus(frameOf('a'));
    const ab = a.plus(frameOf('b'));
    expect(ab.joined([]).toString()).toBe('a\nb\n');
    expect(ab.plus(frameOf('c')).plus(frameOf('d')).joined([]).toString()).toBe('a\nb\nc\nd\n');
    expect(a.joined([]).toString()).toBe('a\n');
  });

  it('hands over the bytes of a single frame without a copy', () => {
    const frame = frameOf('a');
    expect(new Batch(LINES).plus(frame).joined([])).toBe(frame.encoded(LINES));
  });

  it('counts frames and bytes of UTF-8', () => {
    const batch = follow(new Batch(LINES), frames('ä', '👋'));
    expect(batch).toMatchObject({ count: 2, bytes: 2 + 1 + 4 + 1 });
    expect(new Batch(LINES)).toMatchObject({ count: 0, bytes: 0 });
    expect(new Batch(LINES).joined([])).toHaveLength(0);
  });

  it('keeps no frame alive once it was told to forget', () => {
    const empty = new Batch(LINES);
    const frame = frameOf('a');
    const before = empty.plus(frame);
    empty.forget();
    expect(empty.plus(frame)).not.toBe(before);
  });
});

describe('a frame', () => {
  const position = { epoch: 'epoch001', offset: 7 };
  const update = { type: 'update', path: 'a', key: null, text: '"m"', position } as const;

  /** Counts what it writes and puts. */
  function counting() {
    const calls = { written: 0, put: 0, targets: new Set<Buffer>() };
    const encoding: Encoding = {
      writer: {
        write: (content) => (content.type === 'update' ? `${++calls.written} ${content.text}` : null),
      },
      framing: {
        size: (text) => text.length,
        put(text, _position, bytes, at) {
          calls.put++;
          calls.targets.add(bytes);
          bytes.write(text, at);
        },
      },
    };
    return { calls, encoding };
  }

  it('is encoded once for each encoding', () => {
    const { calls, encoding } = counting();
    const frame = Frame.shared(update);
    expect(frame.encoded(LINES).toString()).toBe(
      '{"path":"a","message":"m","position":{"epoch":"epoch001","offset":7}}\n',
    );
    for (let i = 0; i < 3; i++) expect(frame.encoded(encoding).toString()).toBe('1 "m"');
    expect(frame.encoded(encoding)).toBe(frame.encoded(encoding));
    expect(calls).toMatchObject({ written: 1, put: 1 });
  });

  it('to one connection is written once too, without bytes of its own', () => {
    const { calls, encoding } = counting();
    const batch = new Batch(encoding).plus(Frame.of(update)).plus(Frame.of(update));
    const joined = batch.joined([]);
    expect(joined.toString()).toBe('1 "m"2 "m"');
    expect(calls).toEqual({ written: 2, put: 2, targets: new Set([joined]) });
  });

  it('to one connection has one encoding', () => {
    const frame = Frame.of(update);
    frame.size(LINES);
    expect(() => frame.size(counting().encoding)).toThrow('one encoding');
  });

  it('that a dialect leaves out has no bytes', () => {
    const { calls, encoding } = counting();
    for (const make of [Frame.of, Frame.shared]) {
      const left = make({ type: 'pending', paths: ['a'] });
      const empty = new Batch(encoding);
      expect(empty.plus(left)).toBe(empty);
      const batch = empty.plus(Frame.shared(update)).plus(left);
      expect(batch.joined([]).toString()).toMatch(/^\d "m"$/);
      expect(left.encoded(encoding)).toHaveLength(0);
    }
    expect(calls.put).toBe(2);
  });
});

describe('joined bytes', () => {
  it('are noted where they are made, shared until they are let go of, and made again after that', () => {
    const noted: Batch[] = [];
    const ab = new Batch(LINES).plus(frameOf('a')).plus(frameOf('b'));
    const first = ab.joined(noted);
    expect(ab.joined(noted)).toBe(first);
    expect(noted).toEqual([ab]);
    ab.forget();
    expect(ab.joined(noted)).not.toBe(first);
    expect(ab.joined(noted)).toEqual(first);
  });
});
