/** After a crash a state may be a part only of what there was: client and API know until the back end says that it is complete. */
import { describe, expect, it } from 'vitest';
import { createApi } from '../../support/api.js';
import { handoffText, readText } from '../../support/world.js';

const follow = (path: string) => ({ paths: [{ path, state: 'snapshot' as const }] });

describe('the state of a path', () => {
  it('is whole on a server that has lost nothing', async () => {
    const api = createApi();
    api.world.publish('public', 1, { key: 'a' });
    expect(api.world.open(follow('public')).told('state')[0]).not.toHaveProperty('partial');
    expect((await api.call('state', { path: 'public' })).body).not.toHaveProperty('partial');
    expect((await api.call('complete', { paths: ['public'] })).body).toEqual({ completed: 0 });
  });

  it('is partial on one that has, and says so; when it is complete followers get it again', async () => {
    const api = createApi();
    const { world } = api;
    world.broker.loseStates();
    world.publish('public', 1, { key: 'a' });
    const client = world.open(follow('public'));
    expect(client.told('state')).toMatchObject([{ partial: true, entries: [{ key: 'a' }] }]);
    expect((await api.call('state', { path: 'public' })).body).toMatchObject({ partial: true });
    world.publish('public', 2, { key: 'b' });
    expect((await api.call('complete', { paths: ['public', 'public'] })).body).toEqual({ completed: 1 });
    const again = client.told('state');
    expect(again).toMatchObject([{ first: true, last: true, entries: [{ key: 'a' }, { key: 'b' }] }]);
    expect(again[0]).not.toHaveProperty('partial');
    expect((await api.call('state', { path: 'public' })).body).not.toHaveProperty('partial');
  });

  it('that nobody published anew is partial, too, also when it is empty', async () => {
    const api = createApi();
    api.world.broker.loseStates();
    expect(api.world.open(follow('public')).told('state')).toMatchObject([{ partial: true, entries: [] }]);
    await api.call('complete', { paths: ['empty'] });
    expect((await api.call('state', { path: 'empty' })).body).not.toHaveProperty('partial');
  });

  it('is as partial after an orderly restart as before', async () => {
    const api = createApi();
    const { world } = api;
    world.broker.loseStates();
    world.publish('public', 1, { key: 'a' });
    world.publish('public whole', 1, { key: 'a' });
    world.broker.complete('public whole');
    const next = world.handOver();
    expect(next.open(follow('public')).told('state')).toMatchObject([{ partial: true }]);
    expect(next.open(follow('public whole')).told('state')[0]).not.toHaveProperty('partial');
  });

  it('is partial when a handoff had no time for all of it', () => {
    const { world } = createApi();
    world.publish('a', 1, { key: 'a' });
    const handoff = { at: 1, backBy: 1, paths: world.broker.snapshots(), sessions: [], requests: [] };
    expect(readText(handoffText(handoff, () => 0)).areStatesLost).toBe(true);
    expect(readText(handoffText(handoff))).not.toHaveProperty('areStatesLost');
  });

  it('is complete by nothing that is no path, or may have no state', async () => {
    const api = createApi();
    expect((await api.call('complete', { paths: ['::x'] })).status).toBe(400);
    expect((await api.call('complete', { paths: ['nolog'] })).body).toEqual({ completed: 0 });
  });
});
