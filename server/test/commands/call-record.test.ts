import { describe, expect, it } from 'vitest';
import { type Called, CallRecord, type KeptAnswers } from '../../src/commands/call-record.js';

const NOW = 1_700_000_000_000;

function answered(record: CallRecord, uid: string, text = 'x', now = NOW): Called {
  const called = { uid, path: 'a', command: 'b', args: {}, answer: null, answeredAt: 0 };
  record.begin(called);
  record.answer(called, text, now);
  return called;
}

describe('the record of a session’s commands', () => {
  it('keeps the last 128 answers, and those that run', () => {
    const kept: KeptAnswers = { characters: 0 };
    const record = new CallRecord(kept);
    record.begin({ uid: 'runs', path: 'a', command: 'b', args: {}, answer: null, answeredAt: 0 });
    for (let i = 0; i < 1_000; i++) answered(record, `${i}`);
    expect([record.get('871'), record.get('872')?.answer, record.get('999')?.answer]).toEqual([
      undefined,
      'x',
      'x',
    ]);
    expect(record.get('runs')).toBeDefined();
    expect(kept.characters).toBe(128 * 257);
  });

  it('keeps 256 KB at the most, but always the newest', () => {
    const record = new CallRecord({ characters: 0 });
    for (let i = 0; i < 10; i++) answered(record, `${i}`, 'x'.repeat(60_000));
    expect([record.get('5'), record.get('6')?.uid]).toEqual([undefined, '6']);
    answered(record, 'big', 'x'.repeat(300_000));
    expect([record.get('9'), record.get('big')?.uid]).toEqual([undefined, 'big']);
  });

  it('keeps only the newest when all sessions together have too much', () => {
    const kept = { characters: 20 * 1024 * 1024 };
    const record = new CallRecord(kept);
    answered(record, 'a');
    answered(record, 'b');
    expect([record.get('a'), record.get('b')?.uid]).toEqual([undefined, 'b']);
  });

  it('forgets what is two minutes old', () => {
    const kept = { characters: 0 };
    const record = new CallRecord(kept);
    answered(record, 'old');
    answered(record, 'new', 'x', NOW + 60_000);
    record.prune(NOW + 120_000);
    expect([record.get('old'), record.get('new')?.uid, kept.characters]).toEqual([undefined, 'new', 257]);
  });

  it('gives all back when its session ends, and keeps nothing that is answered later', () => {
    const kept = { characters: 0 };
    const record = new CallRecord(kept);
    answered(record, 'a');
    const running: Called = { uid: 'b', path: 'a', command: 'b', args: {}, answer: null, answeredAt: 0 };
    record.begin(running);
    record.clear();
    record.answer(running, 'late', NOW);
    expect([kept.characters, record.get('a'), record.get('b')]).toEqual([0, undefined, undefined]);
  });
});
