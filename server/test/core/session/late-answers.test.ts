/** What was asked is answered later: what has happened meanwhile counts. */
import { describe, expect, it } from 'vitest';
import type { Authentication, PathDecision, SessionWebhook } from '../../../src/core/access/identity.js';
import { pathToken, sessionToken } from '../../support/fake-tokens.js';
import { createWorld, type World, type WorldOptions } from '../../support/world.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A view whose answers a test gives, one by one. */
function heldView(options: WorldOptions = {}) {
  const questions: {
    paths: readonly string[];
    answer: (word: Partial<PathDecision> | null) => Promise<unknown>;
  }[] = [];
  const introductions: ((user: string) => Promise<unknown>)[] = [];
  let world: World;
  const view: SessionWebhook = {
    authenticate: () =>
      new Promise((resolve) => {
        const said = { source: 'webhook', login: null, info: null, grants: [], expiresAt: null } as const;
        introductions.push((user) => {
          const identity: Authentication['identity'] = { ...said, user, at: world.clock.now() };
          resolve({ value: { identity, refused: [] } });
          return settled();
        });
      }),
    ask: (_asker, paths) => {
      const at = world.clock.now();
      return new Promise((resolve) => {
        questions.push({
          paths,
          answer: (word) => {
            resolve(word && { grants: [], refused: [], at, ...word });
            return settled();
          },
        });
      });
    },
  };
  world = createWorld({ view, ...options });
  return { world, questions, introductions };
}

describe('a question about paths', () => {
  it('names a path once that stands twice in a frame, as it stands there last', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    client.frames();
    const token = pathToken({ paths: ['t'] });
    client.want('a', 'a', { path: 't', token: 'bad' }, { path: 't', token });
    await settled();
    expect(client.told('subscribed')).toMatchObject([{ paths: [{ path: 't' }] }]);
    await questions[0]?.answer({ grants: ['a'] });
    expect(questions.map(({ paths }) => paths)).toEqual([['a']]);
    expect(client.told('subscribed')).toMatchObject([{ paths: [{ path: 'a' }] }]);
    expect(world.counters.pending).toBe(0);
  });

  it('waits for the one before it, and asks about all that came meanwhile and is still wanted', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    for (const path of ['a', 'b', 'c', 'd']) client.want(path);
    client.session.paths.unwant(['c']);
    expect(questions.map(({ paths }) => paths)).toEqual([['a']]);
    await questions[0]?.answer({});
    expect(questions.map(({ paths }) => paths)).toEqual([['a'], ['b', 'd']]);
  });

  it('is asked again until it is answered, and not when nobody waits any more', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    client.want('a');
    await questions[0]?.answer(null);
    world.clock.advance(300);
    await settled();
    expect(questions).toHaveLength(2);
    client.session.paths.unwant(['a']);
    await questions[1]?.answer(null);
    world.clock.advance(3_000);
    await settled();
    expect(questions).toHaveLength(2);
  });

  it('that nobody answers refuses its paths in the end, to be tried again', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    client.frames();
    client.want('a');
    for (let i = 0; i < 12 && world.counters.pending > 0; i++) {
      await questions[i]?.answer(null);
      world.clock.advance(2_000);
      await settled();
    }
    expect(client.told('refused')).toMatchObject([{ paths: [{ path: 'a', code: 'connect_failed' }] }]);
  });

  it.each(['session', 'user'])(
    'that was asked before its path was taken from the %s gives it back to nobody: it is asked again',
    async (whose) => {
      const { world, questions } = heldView();
      const client = world.open();
      world.sessions.connect('session-1', [], 'ann');
      client.want('a');
      const { admin } = world.sessions;
      if (whose === 'session') await admin.disconnect('session-1', ['a']);
      else await admin.disconnectUser('ann', ['{any}']);
      await questions[0]?.answer({ grants: ['a'] });
      expect(client.session.paths.mayHear('a')).toBe(false);
      world.clock.advance(1);
      await questions[1]?.answer({ grants: ['a'], at: world.clock.now() });
      expect(client.session.paths.subscriptions.has('a')).toBe(true);
    },
  );

  it('that others asked before a path was taken away here gives it back to nobody', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    client.frames();
    const at = world.clock.now();
    world.clock.advance(1);
    await world.sessions.admin.disconnect('session-1', ['a']);
    client.want('a');
    await questions[0]?.answer({ grants: ['a'], at });
    expect(client.told('refused')).toMatchObject([{ paths: [{ path: 'a', code: 'denied' }] }]);
  });

  it('may be answered with more than was asked, which counts as of then', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    await world.sessions.admin.disconnect('session-1', ['b', 'c']);
    world.clock.advance(1);
    client.want('a');
    await world.sessions.admin.disconnect('session-1', ['c']);
    await questions[0]?.answer({ grants: ['b', 'c'], refused: ['a'] });
    expect(['a', 'b', 'c'].map((path) => client.session.paths.mayHear(path))).toEqual([false, true, false]);
  });

  it('is answered by a connect that comes meanwhile, from the position that was named', async () => {
    const { world, questions } = heldView();
    const { position } = world.publish('a', 1);
    world.publish('a', 2);
    const client = world.open();
    client.frames();
    client.want({ path: 'a', position: position as NonNullable<typeof position> });
    world.sessions.connect('session-1', ['a']);
    expect(client.messages()).toEqual([2]);
    await questions[0]?.answer({ refused: ['a'] });
    expect(client.session.paths.subscriptions.has('a')).toBe(true);
  });

  it('is asked anew when the session was bound to a user meanwhile', async () => {
    const { world, questions } = heldView();
    const client = world.open();
    client.want('a');
    world.sessions.connect('session-1', [], 'ann');
    await questions[0]?.answer({ grants: ['a'] });
    expect([client.session.paths.mayHear('a'), questions.length]).toEqual([false, 2]);
  });

  it('changes nothing when the session has ended or the server stops', async () => {
    for (const end of ['session', 'server'] as const) {
      const { world, questions } = heldView();
      const client = world.open();
      client.want('a', { path: 't', token: pathToken({ paths: ['t'] }) });
      if (end === 'server') world.sessions.freeze(1_000);
      else await world.sessions.end(client.session, 'ended');
      await questions[0]?.answer({ grants: ['a'] });
      expect(client.session.paths.subscriptions.size).toBe(0);
    }
  });
});

describe('an opening that is answered late', () => {
  it('does not take the session from the connection that came after it', async () => {
    const { world, introductions } = heldView();
    const first = world.openAsked();
    await introductions[0]?.('ann');
    const { session } = await first;
    session.setIdentity({ ...(session.identity as NonNullable<typeof session.identity>), expiresAt: 1 });
    const ticket = (await first).ticket();
    const older = world.tryOpenAsked({ ticket });
    const newer = world.openAsked({ ticket });
    await introductions[2]?.('ann');
    const { carrier } = await newer;
    await introductions[1]?.('ann');
    expect(await older).toMatchObject({ error: { code: 'taken_over' } });
    expect(carrier.closing).toBeNull();
  });
});

describe('what is taken back', () => {
  it.each(['disconnect', 'kick'] as const)(
    'by %s counts against a token of a clock that is ahead',
    async (how) => {
      const world = createWorld();
      const token = sessionToken({ user: 'ann', grants: ['a'], at: world.clock.now() + 3_000 });
      const client = await world.openAsked({ token, paths: [{ path: 'a' }] });
      if (how === 'disconnect') await world.sessions.admin.disconnect('session-1', ['a']);
      else await world.sessions.admin.kickUser('ann', true);
      if (how === 'disconnect') expect(client.session.paths.mayHear('a')).toBe(false);
      else expect(await world.tryOpenAsked({ token })).toMatchObject({ error: { code: 'revoked_token' } });
    },
  );

  it('is not given back by what was said before, however much was taken', async () => {
    const world = createWorld({ settings: { maxSubscriptions: 2 } });
    const token = sessionToken({ user: 'ann', grants: ['{all*}'], at: world.clock.now() });
    const client = await world.openAsked({ token });
    world.clock.advance(1);
    for (let i = 0; i < 10; i++) await world.sessions.admin.disconnect('session-1', [`p${i}`]);
    client.send({ type: 'token', n: 1, token });
    await settled();
    expect([0, 5, 9].map((i) => client.session.paths.mayHear(`p${i}`))).toEqual([false, false, false]);
  });

  it('does not come back with a ticket that has no room for it', async () => {
    const world = createWorld();
    const token = sessionToken({ user: 'ann', grants: ['{all*}'], at: world.clock.now() });
    const client = await world.openAsked({ token });
    world.clock.advance(1);
    const paths = Array.from({ length: 900 }, (_, i) => `room/${'x'.repeat(40)}${i}`);
    await world.sessions.admin.disconnect('session-1', paths);
    world.clock.advance(2_000);
    const ticket = client.ticket();
    world.revocations.prune(world.clock.now() + 1);
    const next = world.restart();
    next.revocations.prune(next.clock.now() + 1, next.clock.now() + 1);
    const { session } = next.open({ ticket });
    expect([session.user, session.paths.mayHear(paths[7] as string)]).toEqual(['ann', false]);
  });

  it('ends what a session hears that is bound to its user only now', () => {
    const world = createWorld();
    const client = world.open({ paths: [{ path: 'public' }] });
    void world.sessions.admin.disconnectUser('ann', ['public']);
    world.sessions.connect('session-1', ['x'], 'ann');
    expect([...client.session.paths.subscriptions.keys()]).toEqual(['x']);
  });
});

describe('a path that waits', () => {
  it('is heard as soon as a newer token grants it, and is not refused later', async () => {
    const world = createWorld();
    const client = await world.openAsked({ token: sessionToken({ user: 'ann' }), paths: [{ path: 'a' }] });
    client.frames();
    client.send({ type: 'token', n: 1, token: sessionToken({ user: 'ann', grants: ['a'] }) });
    await settled();
    expect(client.told('subscribed')).toMatchObject([{ paths: [{ path: 'a' }] }]);
    world.clock.advance(11_000);
    expect([client.told('refused'), world.counters.pending]).toEqual([[], 0]);
  });
});

describe('a token of a path that has expired while its client was away', () => {
  it('brings nothing that was published since', async () => {
    const world = createWorld();
    const token = pathToken({ paths: ['a'], expiresAt: world.clock.now() + 5_000 });
    const client = await world.openAsked({});
    client.want({ path: 'a', token });
    await settled();
    const ticket = client.ticket();
    client.connection.lost();
    world.clock.advance(10_000);
    world.publish('a', 'secret');
    const again = await world.openAsked({ ticket, paths: [{ path: 'a' }] });
    expect(again.messages()).toEqual([]);
  });
});
