import { describe, expect, it } from 'vitest';
import { type Called, CallRecord, type KeptAnswers } from '../../src/commands/call-record.js';

const NOW = 1_700_000_000_000;

function answered(record: CallRecord, uid: string, text = 'x', now = NOW): Called {
  const called = { uid, path: 'a', command: 'b', digest: '{}', answer: null, answeredAt: 0 };
  record.begin(called);
  record.answer(called, text, now);
  return called;
}

describe('the record of a session’s commands', () => {
  it('keeps the last 128 answers, and those that run', () => {
    const kept: KeptAnswers = { characters: 0, sessions: 0 };
    const record = new CallRecord(kept, 128);
    record.begin({ uid: 'runs', path: 'a', command: 'b', digest: '{}', answer: null, answeredAt: 0 });
    for (let i = 0; i < 1_000; i++) answered(record, `${i}`);
    expect([record.get('871'), record.get('872')?.answer, record.get('999')?.answer]).toEqual([
      undefined,
      'x',
      'x',
    ]);
    expect(record.get('runs')).toBeDefined();
    expect(kept.characters).toBe(128 * 513);
  });

  it('keeps the answers of all that may run at a time, twice, and always the newest', () => {
    const record = new CallRecord({ characters: 0, sessions: 0 }, 1_000);
    for (let i = 0; i < 40; i++) answered(record, `${i}`, 'x'.repeat(64 * 1024));
    expect([record.get('8'), record.get('9')?.uid]).toEqual([undefined, '9']);
    answered(record, 'big', 'x'.repeat(3 * 1024 * 1024));
    expect([record.get('39'), record.get('big')?.uid]).toEqual([undefined, 'big']);
  });

  it('leaves each session its share when all together have too much', () => {
    const kept: KeptAnswers = { characters: 0, sessions: 0 };
    const greedy = Array.from({ length: 20 }, () => new CallRecord(kept, 1_000));
    const modest = new CallRecord(kept, 1_000);
    for (let i = 0; i < 10; i++) answered(modest, `${i}`);
    for (let i = 0; i < 60; i++) for (const each of greedy) answered(each, `${i}`, 'x'.repeat(64 * 1024));
    expect(kept.characters).toBeLessThan(34 * 1024 * 1024);
    answered(modest, '10');
    expect([modest.get('0')?.uid, greedy[0]?.get('59')?.uid]).toEqual(['0', '59']);
  });

  it('forgets what is two minutes old', () => {
    const kept = { characters: 0, sessions: 0 };
    const record = new CallRecord(kept, 128);
    answered(record, 'old');
    answered(record, 'new', 'x', NOW + 60_000);
    record.prune(NOW + 120_000);
    expect([record.get('old'), record.get('new')?.uid, kept.characters]).toEqual([undefined, 'new', 513]);
  });

  it('gives all back when its session ends, and keeps nothing that is answered later', () => {
    const kept = { characters: 0, sessions: 0 };
    const record = new CallRecord(kept, 128);
    answered(record, 'a');
    const running: Called = { uid: 'b', path: 'a', command: 'b', digest: '{}', answer: null, answeredAt: 0 };
    record.begin(running);
    record.clear();
    record.answer(running, 'late', NOW);
    expect([kept.characters, record.get('a'), record.get('b')]).toEqual([0, undefined, undefined]);
  });
});
