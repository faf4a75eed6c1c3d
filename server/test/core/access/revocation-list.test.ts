import { describe, expect, it } from 'vitest';
import { type Revocation, RevocationList } from '../../../src/core/access/revocation-list.js';

const journal = (written: Revocation[] = []) => ({
  written,
  write: async (revocation: Revocation) => void written.push(revocation),
});

describe('revocations', () => {
  it('take effect at once, and are safe when the journal says so', async () => {
    const { written, write } = journal();
    const revocations = new RevocationList({ write });
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
    const revocations = new RevocationList(journal(), loaded);
    expect(['a', 'b', 'c'].map((id) => revocations.ended(id))).toEqual(['dismissed', 'ended', 'no']);
  });

  it('remember when each path was taken last, which ends no session', () => {
    const loaded = [1, 5].map((at) => ({ id: 'a', at, path: 'x' }));
    const revocations = new RevocationList(journal(), [...loaded, { id: 'a', at: 3, path: 'y' }]);
    expect(revocations.ended('a')).toBe('no');
    const ticket = {
      id: 'a',
      connection: 1,
      issuedAt: 4,
      user: null,
      grants: ['x', 'y', 'z'],
      denied: [],
      login: null,
      identity: null,
    };
    expect(revocations.pathsTaken(ticket)).toEqual([{ path: 'x', at: 5 }]);
    expect(revocations.pathsTaken({ ...ticket, grants: ['z'] }).map(({ path }) => path)).toEqual(['x', 'y']);
    expect(revocations.pathsTaken({ ...ticket, id: 'b' })).toEqual([]);
  });

  it('are forgotten when no ticket from before is left', () => {
    const revocations = new RevocationList(journal(), [
      { id: 'a', at: 1 },
      { id: 'b', at: 5 },
      { id: 'b', at: 1, path: 'x' },
    ]);
    revocations.prune(5);
    expect(['a', 'b'].map((id) => revocations.ended(id))).toEqual(['no', 'ended']);
  });

  it('take a path from a session of the user that was named, and from no other', () => {
    const taken = { id: 'a', at: 5, path: 'x' };
    const ticket = {
      id: 'a',
      connection: 1,
      issuedAt: 4,
      user: 'ada',
      grants: ['x'],
      denied: [],
      login: null,
      identity: null,
    };
    const of = (user?: string | null) =>
      new RevocationList(journal(), [user === undefined ? taken : { ...taken, user }])
        .pathsTaken(ticket)
        .map(({ path }) => path);
    expect([of(), of('ada'), of('eve'), of(null)]).toEqual([['x'], ['x'], [], []]);
  });

  it('remember sessions that ended with nothing to their name, the newest of very many', () => {
    const revocations = new RevocationList(journal());
    for (let i = 0; i < 100_002; i++) void revocations.add({ id: `s${i}`, at: i, isEmpty: true });
    expect(['s1', 's2', 's100001'].map((id) => revocations.ended(id))).toEqual(['no', 'ended', 'ended']);
  });
});
