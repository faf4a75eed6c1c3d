import { describe, expect, it } from 'vitest';
import { type Revocation, Revocations } from '../../src/core/revocations.js';

const journal = (written: Revocation[] = []) => ({
  written,
  write: async (revocation: Revocation) => void written.push(revocation),
});

describe('revocations', () => {
  it('take effect at once, and are safe when the journal says so', async () => {
    const { written, write } = journal();
    const revocations = new Revocations({ write });
    const adding = revocations.add({ id: 'a', at: 1 });
    expect(revocations.ended('a')).toBe('ended');
    await adding;
    expect(written).toEqual([{ id: 'a', at: 1 }]);
  });

  it('tell an end from an end for good, which nothing takes back', () => {
    const loaded = [
      { id: 'a', at: 1, isFinal: true },
      { id: 'a', at: 2 },
      { id: 'b', at: 1 },
    ];
    const revocations = new Revocations(journal(), loaded);
    expect(['a', 'b', 'c'].map((id) => revocations.ended(id))).toEqual(['dismissed', 'ended', 'no']);
  });

  it('remember when each path was taken last, which ends no session', () => {
    const loaded = [1, 5].map((at) => ({ id: 'a', at, path: 'x' }));
    const revocations = new Revocations(journal(), [...loaded, { id: 'a', at: 3, path: 'y' }]);
    expect(revocations.ended('a')).toBe('no');
    expect(['x', 'y', 'z'].map((path) => revocations.takenAt('a', path))).toEqual([5, 3, null]);
    expect([...revocations.pathsTaken('a')]).toEqual(['x', 'y']);
    expect([...revocations.pathsTaken('b')]).toEqual([]);
  });

  it('are forgotten when no ticket from before is left', () => {
    const revocations = new Revocations(journal(), [
      { id: 'a', at: 1 },
      { id: 'b', at: 5 },
      { id: 'b', at: 1, path: 'x' },
    ]);
    revocations.prune(5);
    expect(['a', 'b'].map((id) => revocations.ended(id))).toEqual(['no', 'ended']);
  });
});
