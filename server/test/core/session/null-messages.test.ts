import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../protocol/frames.js';
import { draftOf, encodeMessage } from '../../../src/core/hub/draft.js';
import { PathState } from '../../../src/core/log/path-state.js';
import { SessionState } from '../../../src/core/session/session-state.js';
import { createApi } from '../../support/api.js';
import { createWorld } from '../../support/world.js';

/** Values that are not null, and whose JSON is. */
const NULLS: [string, unknown][] = [
  ['1e999, which is infinite', JSON.parse('1e999')],
  ['NaN', Number.NaN],
  ['what says null by toJSON', { toJSON: () => null }],
  ['a date that is none', new Date(Number.NaN)],
  ['a boxed NaN', Object(Number.NaN)],
];

describe.each(NULLS)('a message that is %s', (_, value) => {
  const message = value as Json;

  it('is null, in a draft and in a letter', () => {
    expect(draftOf({ path: 'p', key: 'a', message })).toMatchObject({
      value: { message: null, text: 'null' },
    });
    expect(encodeMessage(message)).toEqual({ value: { message: null, text: 'null' } });
  });

  it('removes a key for followers and for the state alike', () => {
    const world = createWorld();
    const follower = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    world.publish('public', { full: true }, { key: 'a' });
    world.publish('public', message, { key: 'a' });
    const updates = follower.frames().filter((frame) => !('type' in frame));
    expect(updates.at(-1)).toMatchObject({ key: 'a', message: null });
    const late = world.open({ paths: [{ path: 'public', state: 'snapshot' }] });
    expect(late.told('state')[0]).toMatchObject({ entries: [] });
    expect(world.broker.stateBytes).toBe(0);
  });
});

describe('1e999 as a message of the API', () => {
  it.each([
    ['update', '{"path":"p","key":"a","message":1e999}'],
    ['updates', '{"updates":[{"path":"p","key":"a","message":1e999}]}'],
  ])('removes the key by %s', async (method, text) => {
    const api = createApi();
    await api.call('update', { path: 'p', key: 'a', message: 1 });
    await api.call(method, JSON.parse(text) as object);
    expect((await api.call('state', { path: 'p' })).body).toMatchObject({ entries: [] });
  });
});

describe('what has no JSON at all', () => {
  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
  ])('is no message: %s', (_, value) => {
    expect(encodeMessage(value as unknown as Json)).toMatchObject({ error: { code: 'bad_field' } });
  });

  it('is null where a receiver is told of it directly', () => {
    const world = createWorld();
    const client = world.open();
    client.session.update('', 'p', undefined as unknown as Json);
    expect(client.messages()).toEqual([null]);
  });
});

describe('a value that is null as JSON', () => {
  it('removes its name from the state of a session, and counts as nothing', () => {
    const state = new SessionState();
    state.patch({ a: 1, b: 2 });
    expect(state.patch({ a: Number.NaN as Json })).toEqual({ value: 2 });
    expect(state.values).toEqual({ b: 2 });
  });

  it('is dropped from a state that an earlier version handed over', () => {
    const state = new PathState({ maxKeys: 10, maxBytes: 1_000 });
    state.restore([
      { key: 'a', text: 'null', offset: 1 },
      { key: 'b', text: '1', offset: 2 },
    ]);
    expect([...state.entries.keys()]).toEqual(['b']);
  });
});
