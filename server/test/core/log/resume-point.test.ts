import { describe, expect, it } from 'vitest';
import { PathLog } from '../../../src/core/log/path-log.js';
import { isAhead, reaches, resumePointIn } from '../../../src/core/log/resume-point.js';
import { logEntry } from '../../../src/core/log/update.js';

const DRAFT = { path: 'a', key: null, message: null, text: 'null', sender: '', except: null };

/** A log whose head is 10 and which holds 6 to 10. */
function logAtTen(): PathLog {
  const log = new PathLog('epoch001', { maxUpdates: 5, maxBytes: 1_000_000, maxAgeMs: 1_000 });
  for (let offset = 1; offset <= 10; offset++) log.append(logEntry(DRAFT, offset, 0));
  return log;
}

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

describe('a place in a log', () => {
  it('is the head for who hears the path for the first time', () => {
    expect(resumePointIn(logAtTen(), {})).toEqual({ start: at(10), gap: null });
  });

  it('is as many updates before the head as the client wants, if they are held', () => {
    expect(resumePointIn(logAtTen(), { last: 3 })).toEqual({ start: at(7), gap: null });
    expect(resumePointIn(logAtTen(), { last: 30 })).toEqual({ start: at(5), gap: null });
    expect(resumePointIn(logAtTen(), { last: 30 }, 2), 'a tail of a longer log').toEqual({
      ...{ start: at(2), gap: null },
    });
  });

  it('is the position that the client names: reading finds what was evicted', () => {
    for (const offset of [0, 4, 5, 9, 10]) {
      const position = at(offset);
      expect(resumePointIn(logAtTen(), { position })).toEqual({ start: position, gap: null });
    }
  });

  it('is the beginning, after a gap, for a position of another epoch', () => {
    const from = at(99, 'epoch000');
    expect(resumePointIn(logAtTen(), { position: from })).toEqual({
      start: at(0),
      gap: { from, to: at(0), reason: 'restarted' },
    });
  });

  it('is to be looked up in the store where a tail does not reach it', () => {
    const log = logAtTen();
    expect(
      [{}, { last: 5 }, { position: at(0) }, { position: at(10) }].map((it) => reaches(log, it)),
    ).toEqual([true, true, true, true]);
    expect([{ last: 6 }, { position: at(11) }].map((it) => reaches(log, it))).toEqual([false, false]);
    expect(isAhead(log.head, at(11))).toBe(true);
    expect(isAhead(log.head, at(11, 'epoch000'))).toBe(false);
  });

  it('is the head, after a gap, for who heard the path when it had no log', () => {
    const gap = { from: null, to: at(10), reason: 'restarted' };
    expect(resumePointIn(logAtTen(), { position: null })).toEqual({ start: at(10), gap });
  });

  it('is told without a log only as a gap, to who has heard the path before', () => {
    const gap = { from: null, to: null, reason: 'no_log' };
    expect(resumePointIn(null, {})).toEqual({ start: null, gap: null });
    expect(resumePointIn(null, { position: null })).toEqual({ start: null, gap });
    expect(resumePointIn(null, { position: at(3) })).toEqual({ start: null, gap });
  });
});
