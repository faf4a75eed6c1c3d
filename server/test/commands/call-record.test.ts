import { describe, expect, it } from 'vitest';
import { type CallEntry, CallRecord, type KeptAnswers } from '../../src/commands/call-record.js';
import { Reply } from '../../src/commands/replies.js';

const none = (): KeptAnswers => ({ characters: 0, sessions: 0 });
const calledAs = (uid: string): CallEntry => ({
  uid,
  path: 'a',
  command: 'b',
  digest: '{}',
  answer: null,
  tick: 0,
});

function answered(record: CallRecord, uid: string, text = 'x'): CallEntry {
  const called = calledAs(uid);
  record.begin(called);
  record.answer(called, new Reply(uid, text));
  return called;
}

describe('the record of a session’s commands', () => {
  it('keeps the last 128 answers at least, 255 at the most, and all that run', () => {
    const kept = none();
    const record = new CallRecord(kept);
    record.begin(calledAs('runs'));
    for (let i = 0; i < 1_000; i++) {
      answered(record, `${i}`);
      expect(record.get(`${Math.max(0, i - 127)}`)?.answer?.text).toBe('x');
      expect(record.get(`${i - 256}`)).toBeUndefined();
    }
    expect(record.get('runs')).toBeDefined();
    expect(kept.characters).toBeLessThanOrEqual(255 * 513);
  });

  it('keeps the answers of all that may run at a time, and always the newest', () => {
    const record = new CallRecord(none());
    for (let i = 0; i < 100; i++) {
      answered(record, `${i}`, 'x'.repeat(64 * 1024 - 512));
      expect(record.get(`${Math.max(0, i - 15)}`)).toBeDefined();
      expect(record.get(`${i - 32}`)).toBeUndefined();
    }
    answered(record, 'big', 'x'.repeat(3 * 1024 * 1024));
    expect([record.get('99')?.uid, record.get('big')?.uid]).toEqual([undefined, 'big']);
  });

  it('leaves each session its share when all together have too much', () => {
    const kept = none();
    const greedy = Array.from({ length: 40 }, () => new CallRecord(kept));
    const modest = new CallRecord(kept);
    for (let i = 0; i < 10; i++) answered(modest, `${i}`);
    for (let i = 0; i < 60; i++) for (const each of greedy) answered(each, `${i}`, 'x'.repeat(64 * 1024));
    expect(kept.characters).toBeLessThan(40 * 1024 * 1024);
    answered(modest, '10');
    expect([modest.get('0')?.uid, greedy[0]?.get('59')?.uid]).toEqual(['0', '59']);
  });

  it('forgets at a tick what was answered before the last one, however much there was', () => {
    const kept = none();
    const record = new CallRecord(kept);
    answered(record, 'old');
    record.tick();
    for (let i = 0; i < 130; i++) answered(record, `${i}`);
    record.tick();
    expect([record.get('old'), record.get('129')?.uid]).toEqual([undefined, '129']);
    record.tick();
    expect([record.get('129'), kept.characters]).toEqual([undefined, 0]);
  });

  it('gives all back when its session ends, and keeps nothing that is answered later', () => {
    const kept = none();
    const record = new CallRecord(kept);
    answered(record, 'a');
    record.tick();
    answered(record, 'b');
    const running = calledAs('c');
    record.begin(running);
    record.end();
    record.answer(running, new Reply('c', '"late"'));
    expect(kept).toEqual(none());
    expect(['a', 'b', 'c'].map((uid) => record.get(uid))).toEqual([undefined, undefined, undefined]);
  });
});
