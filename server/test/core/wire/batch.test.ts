import { describe, expect, it } from 'vitest';
import { Batch } from '../../../src/core/wire/batch.js';
import { Frame, type Framing } from '../../../src/core/wire/frame.js';
import { lineFraming } from '../../support/fake-carrier.js';

const frames = (...texts: string[]) => texts.map((text) => new Frame(text));
const follow = (batch: Batch, list: Frame[]) => list.reduce((at, frame) => at.plus(frame), batch);

describe('a batch', () => {
  it('is the same object for all connections that await the same frames in the same order', () => {
    const empty = new Batch(lineFraming);
    const list = frames('a', 'b', 'c');
    expect(follow(empty, list)).toBe(follow(empty, list));
  });

  it('shares its joined bytes between them', () => {
    const empty = new Batch(lineFraming);
    const list = frames('a', 'b');
    const bytes = follow(empty, list).joined([]);
    expect(bytes.toString()).toBe('a\nb\n');
    expect(follow(empty, list).joined([])).toBe(bytes);
  });

  it('is another one for another order, and neither disturbs the other', () => {
    const empty = new Batch(lineFraming);
    const [a, b] = frames('a', 'b') as [Frame, Frame];
    const ab = empty.plus(a).plus(b);
    const ba = empty.plus(b).plus(a);
    expect(ab.joined([]).toString()).toBe('a\nb\n');
    expect(ba.joined([]).toString()).toBe('b\na\n');
  });

  it('joins right when a shorter sequence was joined before', () => {
    const a = new Batch(lineFraming).plus(new Frame('a'));
    const ab = a.plus(new Frame('b'));
    expect(ab.joined([]).toString()).toBe('a\nb\n');
    expect(ab.plus(new Frame('c')).plus(new Frame('d')).joined([]).toString()).toBe('a\nb\nc\nd\n');
    expect(a.joined([]).toString()).toBe('a\n');
  });

  it('hands over the bytes of a single frame without a copy', () => {
    const frame = new Frame('a');
    expect(new Batch(lineFraming).plus(frame).joined([])).toBe(frame.encoded(lineFraming));
  });

  it('counts frames and bytes of UTF-8', () => {
    const batch = follow(new Batch(lineFraming), frames('ä', '👋'));
    expect(batch).toMatchObject({ count: 2, bytes: 2 + 1 + 4 + 1 });
    expect(new Batch(lineFraming)).toMatchObject({ count: 0, bytes: 0 });
    expect(new Batch(lineFraming).joined([])).toHaveLength(0);
  });

  it('keeps no frame alive once it was told to forget', () => {
    const empty = new Batch(lineFraming);
    const frame = new Frame('a');
    const before = empty.plus(frame);
    empty.forget();
    expect(empty.plus(frame)).not.toBe(before);
  });
});

describe('a frame', () => {
  it('is encoded once for each framing, with its position', () => {
    let calls = 0;
    const framing: Framing = {
      slot: 1,
      size: () => 5,
      put: (text, position, bytes, at) => void bytes.write(`${++calls} ${text} ${position?.offset}`, at),
    };
    const frame = new Frame('a', { epoch: 'epoch001', offset: 7 });
    expect(frame.encoded(framing).toString()).toBe('1 a 7');
    expect(frame.encoded(framing)).toBe(frame.encoded(framing));
    expect(frame.encoded(lineFraming).toString()).toBe('a\n');
  });
});

describe('joined bytes', () => {
  it('are noted where they are made, shared until they are let go of, and made again after that', () => {
    const noted: Batch[] = [];
    const ab = new Batch(lineFraming).plus(new Frame('a')).plus(new Frame('b'));
    const first = ab.joined(noted);
    expect(ab.joined(noted)).toBe(first);
    expect(noted).toEqual([ab]);
    ab.forget();
    expect(ab.joined(noted)).not.toBe(first);
    expect(ab.joined(noted)).toEqual(first);
  });
});
