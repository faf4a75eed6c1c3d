import { describe, expect, it } from 'vitest';
import { PathLog } from '../../../src/core/log/path-log.js';
import { resumePointIn } from '../../../src/core/log/resume-point.js';
import { logEntry } from '../../../src/core/log/update.js';

const DRAFT = { path: 'a', key: null, message: null, text: 'null', sender: '', except: null };

/** A log whose head is 10 and which holds 6 to 10. */
function logAtTen(): PathLog {
  const log = new PathLog('epoch001', { maxUpdates: 5, maxBytes: 1_000_000, maxAgeMs: 1_000 });
  for (let offset = 1; offset <= 10; offset++) log.append(logEntry(DRAFT, offset, { text: 'x', at: 0 }));
  return log;
}

const at = (offset: number, epoch = 'epoch001') => ({ epoch, offset });

describe('a place in a log', () => {
  it('is the head for who hears the path for the first time', () => {
    expect(resumePointIn(logAtTen(), undefined)).toEqual({ start: at(10), gap: null });
  });

  it('is the position that the client names, as long as the log holds what follows', () => {
    for (const offset of [5, 6, 9, 10]) {
      expect(resumePointIn(logAtTen(), at(offset))).toEqual({ start: at(offset), gap: null });
    }
  });

  it('is the oldest that is held, after a gap, where what follows was evicted', () => {
    const evicted = { start: at(5), gap: { from: at(4), to: at(5), reason: 'evicted' } };
    expect(resumePointIn(logAtTen(), at(4))).toEqual(evicted);
    expect(resumePointIn(logAtTen(), at(0))).toMatchObject({ gap: { from: at(0), to: at(5) } });
  });

  it('is the oldest that is held, after a gap, for a position of another epoch', () => {
    const restarted = { from: at(99, 'epoch000'), to: at(5), reason: 'restarted' };
    expect(resumePointIn(logAtTen(), at(99, 'epoch000'))).toEqual({ start: at(5), gap: restarted });
    expect(resumePointIn(logAtTen(), at(7, 'epoch000'))).toMatchObject({ start: at(5) });
  });

  it('is none where the path has never been', () => {
    expect(resumePointIn(logAtTen(), at(11))).toBeNull();
    expect(
      resumePointIn(new PathLog('epoch001', { maxUpdates: 1, maxBytes: 1, maxAgeMs: 1 }), at(1)),
    ).toBeNull();
  });

  it('is the head, after a gap, for who heard the path when it had no log', () => {
    const gap = { from: null, to: at(10), reason: 'restarted' };
    expect(resumePointIn(logAtTen(), null)).toEqual({ start: at(10), gap });
  });

  it('is told without a log only as a gap, to who has heard the path before', () => {
    const gap = { from: null, to: null, reason: 'no_log' };
    expect(resumePointIn(null, undefined)).toEqual({ start: null, gap: null });
    expect(resumePointIn(null, null)).toEqual({ start: null, gap });
    expect(resumePointIn(null, at(3))).toEqual({ start: null, gap });
  });
});
