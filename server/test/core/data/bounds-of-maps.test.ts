import { describe, expect, it } from 'vitest';
import { RevocationList } from '../../../src/core/access/revocation-list.js';
import {
  IdempotencyRecords,
  MAX_IDEMPOTENCY_RECORDS,
} from '../../../src/stores/memory/idempotency-records.js';
import { FakeClock } from '../../support/fake-clock.js';
import { walksDuring } from '../../support/map-walks.js';
import { createWorld } from '../../support/world.js';

const MORE = 500;

describe('what is bounded in number walks over nothing to forget the oldest:', () => {
  it('idempotency keys of one API key, beside those of another that are older', async () => {
    const records = new IdempotencyRecords(new FakeClock());
    const key = (owner: string, i: number) => ({ owner, key: `k${i}`, digest: 'd' });
    const add = (owner: string, i: number) => {
      records.find(key(owner, i), 'a');
      records.add(key(owner, i), { path: 'a', position: null });
    };
    for (let i = 0; i < 50_000; i++) add('quiet', i);
    for (let i = 0; i < MAX_IDEMPOTENCY_RECORDS + 10; i++) add('busy', i);
    expect(
      await walksDuring(() => {
        for (let i = 0; i < MORE; i++) add('busy', 200_000 + i);
      }),
    ).toBe(0);
    expect(records.find(key('quiet', 0), 'a')).toMatchObject({ digest: 'd' });
    expect(records.find(key('busy', 0), 'a')).toBeUndefined();
  });

  it('heads of paths that no session holds', async () => {
    const world = createWorld();
    for (let i = 0; i < 100_010; i++) world.publish(`p${i}`, i);
    expect(
      await walksDuring(() => {
        for (let i = 0; i < MORE; i++) world.publish(`q${i}`, i);
      }),
    ).toBe(0);
  });

  it('logs, when all together are full', async () => {
    const world = createWorld({ maxLogBytes: 500_000 });
    for (let i = 0; i < 5_000; i++) world.publish(`p${i}`, i);
    expect(
      await walksDuring(() => {
        for (let i = 0; i < MORE; i++) world.publish(`q${i}`, i);
      }),
    ).toBe(0);
    expect(world.broker.totalBytes).toBeLessThanOrEqual(500_000);
  });

  it.each([
    [
      'sessions that ended with nothing to their name',
      (i: number) => ({ id: `s${i}`, at: i, isEmpty: true }),
    ],
    ['sessions that ended', (i: number) => ({ id: `s${i}`, at: i })],
    ['paths taken from sessions', (i: number) => ({ id: `s${i}`, at: i, path: 'p' })],
    ['users', (i: number) => ({ ofUser: `u${i}`, at: i })],
    ['logins', (i: number) => ({ ofLogin: `l${i}`, at: i })],
  ])('%s', async (_, of) => {
    const revocations = new RevocationList({ write: async () => undefined });
    for (let i = 0; i < 260_000; i++) void revocations.add(of(i));
    expect(
      await walksDuring(() => {
        for (let i = 0; i < MORE; i++) void revocations.add(of(300_000 + i));
      }),
    ).toBe(0);
    expect(revocations.size).toBeLessThanOrEqual(250_000);
  });
});

describe('what was taken back and forgotten for being one of too many', () => {
  const claims = { id: 's0', user: 'u0', login: 'l0', issuedAt: 5, connection: 1, grants: null, denied: [] };

  it('lets no older ticket bring its session back', () => {
    const revocations = new RevocationList({ write: async () => undefined });
    expect(revocations.mayBeForgotten({ ...claims, identity: null })).toBe(false);
    for (let i = 0; i <= 250_000; i++) void revocations.add({ id: `s${i}`, at: 10 + i });
    expect(revocations.ended('s0')).toBe('no');
    expect(revocations.mayBeForgotten({ ...claims, identity: null })).toBe(true);
    expect(revocations.mayBeForgotten({ ...claims, issuedAt: 11, identity: null })).toBe(false);
  });

  it('lets no older token of a user or a login be taken', () => {
    const revocations = new RevocationList({ write: async () => undefined });
    for (let i = 0; i <= 250_000; i++) void revocations.add({ ofUser: `u${i}`, at: 10 + i });
    expect(revocations.isRevoked({ user: 'x', login: null, at: 10 })).toBe(true);
    expect(revocations.isRevoked({ user: null, login: null, at: 10 })).toBe(false);
    expect(revocations.isRevoked({ user: 'x', login: null, at: 11 })).toBe(false);
  });
});
