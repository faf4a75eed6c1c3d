/** The order of `open` frames is the client's to say: the network may deliver them in another. */
import { describe, expect, it } from 'vitest';
import type { SessionWebhook } from '../../../src/core/access/identity.js';
import { createWorld } from '../../support/world.js';

describe('an attempt', () => {
  it('below the highest that the session has seen is refused, and the connection goes on', () => {
    const world = createWorld();
    const client = world.open({ attempt: 5 });
    const ticket = client.ticket();
    for (const attempt of [1, 4]) {
      expect(world.tryOpen({ ticket, attempt })).toMatchObject({
        error: { code: 'superseded' },
        close: 'superseded',
      });
    }
    expect([client.session.connection, client.session.connectionNumber]).toEqual([client.connection, 1]);
  });

  it.each([
    ['equal to it', 5],
    ['above it', 6],
    ['that is not numbered', undefined],
  ])('%s takes the session over', (_what, attempt) => {
    const world = createWorld();
    const client = world.open({ attempt: 5 });
    const next = world.open({ ticket: client.ticket(), ...(attempt && { attempt }) });
    expect([next.session, next.connection.isClosed, client.connection.isClosed]).toEqual([
      client.session,
      false,
      true,
    ]);
  });

  it('that is not numbered does not lower what the session has seen', () => {
    const world = createWorld();
    const client = world.open({ attempt: 5 });
    const next = world.open({ ticket: client.ticket() });
    expect(world.tryOpen({ ticket: next.ticket(), attempt: 4 })).toMatchObject({
      error: { code: 'superseded' },
    });
  });

  it('is kept over an orderly restart', () => {
    const world = createWorld();
    const ticket = world.open({ attempt: 5 }).ticket();
    const next = world.handOver();
    expect(next.tryOpen({ ticket, attempt: 4 })).toMatchObject({ error: { code: 'superseded' } });
    expect(next.open({ ticket, attempt: 6 }).session.snapshot().attempt).toBe(6);
  });

  it('after a crash counts from the first one that comes', () => {
    const world = createWorld();
    const ticket = world.open({ attempt: 5 }).ticket();
    const next = world.restart();
    const late = next.open({ ticket, attempt: 4 });
    expect(next.open({ ticket, attempt: 6 }).session).toBe(late.session);
    expect(late.connection.isClosed).toBe(true);
  });

  it('of another session says nothing', () => {
    const world = createWorld();
    world.open({ attempt: 5 });
    expect(world.tryOpen({ attempt: 1 })).not.toHaveProperty('error');
  });
});

describe('attempts that wait for the back end', () => {
  /** A view whose answers the test gives, in any order. */
  function slowView() {
    const answers: (() => void)[] = [];
    const authenticate: SessionWebhook['authenticate'] = () =>
      new Promise((resolve) => {
        answers.push(() =>
          resolve({
            value: {
              identity: {
                ...{ source: 'view', user: null, login: null, info: null, grants: [] },
                ...{ assertedAt: 1, expiresAt: 1 },
              },
              refused: [],
            },
          } as unknown as Awaited<ReturnType<SessionWebhook['authenticate']>>),
        );
      });
    return { answers, view: { authenticate } as unknown as SessionWebhook };
  }

  it('go by their numbers, not by the order in which the answers come', async () => {
    const { answers, view } = slowView();
    const world = createWorld({ view });
    const first = world.tryOpenAsked({ attempt: 1 });
    answers[0]?.();
    const opened = await first;
    if ('error' in opened) throw new Error(opened.error.code);
    const ticket = world.tickets.issue({
      ...{ id: opened.session.id, connection: 1, issuedAt: world.clock.now(), user: null },
      ...{ grants: [], denied: [], login: null, identity: null },
    });
    const third = world.tryOpenAsked({ ticket, attempt: 3 });
    const second = world.tryOpenAsked({ ticket, attempt: 2 });
    answers[1]?.();
    expect(await third).toHaveProperty('connection');
    answers[2]?.();
    expect(await second).toMatchObject({ error: { code: 'superseded' } });
  });
});
